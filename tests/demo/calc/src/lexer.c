#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lexer.h"

static void read_name(struct lexer *lexer)
{
    size_t n = 0;

    while (isalnum((unsigned char)*lexer->rest)) {
        if (n + 1 < sizeof lexer->token.name)
            lexer->token.name[n++] = *lexer->rest;
        lexer->rest++;
    }
    lexer->token.name[n] = '\0';
    lexer->token.kind = TOKEN_NAME;
}

void next_token(struct lexer *lexer)
{
    char *end;

    while (isspace((unsigned char)*lexer->rest))
        lexer->rest++;
    if (*lexer->rest == '\0') {
        lexer->token.kind = TOKEN_END;
    } else if (isdigit((unsigned char)*lexer->rest)) {
        lexer->token.number = strtod(lexer->rest, &end);
        lexer->rest = end;
        lexer->token.kind = TOKEN_NUMBER;
    } else if (isalpha((unsigned char)*lexer->rest)) {
        read_name(lexer);
    } else {
        lexer->token.sign = *lexer->rest++;
        lexer->token.kind = strchr("+-*/^()=", lexer->token.sign) ? TOKEN_SIGN : TOKEN_BAD;
    }
}

/* Text to tokens. */
enum token_kind { TOKEN_END, TOKEN_NUMBER, TOKEN_NAME, TOKEN_SIGN, TOKEN_BAD };

struct token {
    enum token_kind kind;
    double number;
    char name[32];
    char sign;
};

struct lexer { const char *rest; struct token token; };

void next_token(struct lexer *lexer);

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "functions.h"
#include "lexer.h"
#include "parser.h"

struct parser { struct lexer lexer; const char *problem; };

static struct node *expression(struct parser *p);

static struct node *new_node(enum node_kind kind, struct node *left, struct node *right)
{
    struct node *node = calloc(1, sizeof *node);

    if (!node)
        abort();
    node->kind = kind;
    node->left = left;
    node->right = right;
    return node;
}

static int at_sign(const struct parser *p, char sign)
{
    return p->lexer.token.kind == TOKEN_SIGN && p->lexer.token.sign == sign;
}

static void expect(struct parser *p, char sign, const char *problem)
{
    if (at_sign(p, sign))
        next_token(&p->lexer);
    else if (!p->problem)
        p->problem = problem;
}

static int function_named(const char *name)
{
    int low = 0, high = FUNCTIONS - 1;

    while (low <= high) {
        int middle = (low + high) / 2, order = strcmp(name, functions[middle].name);
        if (order == 0)
            return middle;
        if (order < 0)
            high = middle - 1;
        else
            low = middle + 1;
    }
    return -1;
}

static struct node *name(struct parser *p)
{
    struct node *node = new_node(NODE_VARIABLE, NULL, NULL);

    strcpy(node->name, p->lexer.token.name);
    next_token(&p->lexer);
    if (!at_sign(p, '('))
        return node;
    node->kind = NODE_CALL;
    node->function = function_named(node->name);
    if (node->function < 0 && !p->problem)
        p->problem = "no such function";
    next_token(&p->lexer);
    node->left = expression(p);
    expect(p, ')', "missing )");
    return node;
}

static struct node *primary(struct parser *p)
{
    struct node *node;

    switch (p->lexer.token.kind) {
    case TOKEN_NUMBER:
        node = new_node(NODE_NUMBER, NULL, NULL);
        node->number = p->lexer.token.number;
        next_token(&p->lexer);
        return node;
    case TOKEN_NAME:
        return name(p);
    default:
        break;
    }
    if (at_sign(p, '-')) {
        next_token(&p->lexer);
        return new_node(NODE_NEGATE, primary(p), NULL);
    }
    expect(p, '(', "number expected");
    if (p->problem)
        return NULL;
    node = expression(p);
    expect(p, ')', "missing )");
    return node;
}

static int strength(const struct parser *p)
{
    if (p->lexer.token.kind != TOKEN_SIGN)
        return 0;
    switch (p->lexer.token.sign) {
    case '=': return 1;
    case '+': case '-': return 2;
    case '*': case '/': return 3;
    case '^': return 4;
    default: return 0;
    }
}

static struct node *operations(struct parser *p, int weakest)
{
    struct node *node = primary(p);

    for (int now; !p->problem && (now = strength(p)) >= weakest && now > 0;) {
        char sign = p->lexer.token.sign;
        int right_first = sign == '^' || sign == '=';
        if (sign == '=' && node->kind != NODE_VARIABLE) {
            p->problem = "only a variable can be set";
            break;
        }
        next_token(&p->lexer);
        node = new_node(sign == '=' ? NODE_ASSIGN : NODE_BINARY, node, operations(p, now + !right_first));
        node->sign = sign;
    }
    return node;
}

static struct node *expression(struct parser *p)
{
    return operations(p, 1);
}

struct node *parse(const char *text, const char **problem)
{
    struct parser p = { .lexer = { .rest = text } };
    struct node *node;

    next_token(&p.lexer);
    node = expression(&p);
    if (!p.problem && p.lexer.token.kind != TOKEN_END)
        p.problem = "something is left over";
    *problem = p.problem;
    if (!p.problem)
        return node;
    free_tree(node);
    return NULL;
}

void free_tree(struct node *node)
{
    if (!node)
        return;
    free_tree(node->left);
    free_tree(node->right);
    free(node);
}

#include <math.h>
#include <string.h>

#include "eval.h"
#include "functions.h"
#include "parser.h"

#define MAX_VARIABLES 64

static struct { char name[32]; double value; } variables[MAX_VARIABLES];
static int used;

static double *variable(const char *name)
{
    for (int i = 0; i < used; i++)
        if (strcmp(variables[i].name, name) == 0)
            return &variables[i].value;
    if (used == MAX_VARIABLES)
        used--;
    strcpy(variables[used].name, name);
    variables[used].value = NAN;
    return &variables[used++].value;
}

static double binary(char sign, double a, double b)
{
    switch (sign) {
    case '+': return a + b;
    case '-': return a - b;
    case '*': return a * b;
    case '/': return a / b;
    default: return pow(a, b);
    }
}

double eval(const struct node *node)
{
    switch (node->kind) {
    case NODE_NUMBER: return node->number;
    case NODE_VARIABLE: return *variable(node->name);
    case NODE_CALL: return functions[node->function].call(eval(node->left));
    case NODE_NEGATE: return -eval(node->left);
    case NODE_ASSIGN: return *variable(node->left->name) = eval(node->right);
    case NODE_BINARY: return binary(node->sign, eval(node->left), eval(node->right));
    }
    return NAN;
}

/* Tokens to a tree. */
enum node_kind { NODE_NUMBER, NODE_VARIABLE, NODE_CALL, NODE_BINARY, NODE_NEGATE, NODE_ASSIGN };

struct node {
    enum node_kind kind;
    double number;
    char name[32];      /* of a variable */
    char sign;          /* of a binary node */
    int function;       /* index into the table of functions */
    struct node *left, *right;
};

/* Returns NULL and sets *problem where the text is no expression. */
struct node *parse(const char *text, const char **problem);
void free_tree(struct node *node);

/* The value of a tree. */
struct node;

double eval(const struct node *node);

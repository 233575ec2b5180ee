/* calc EXPRESSION... prints the value of each; without words it reads lines. */
#include <stdio.h>

#include "eval.h"
#include "parser.h"
#include "value.h"

static int calculate(const char *text)
{
    const char *problem;
    struct node *tree = parse(text, &problem);

    if (!tree) {
        fprintf(stderr, "calc: %s: %s\n", text, problem);
        return 1;
    }
    print_value(eval(tree));
    free_tree(tree);
    return 0;
}

int main(int argc, char **argv)
{
    char line[1024];
    int failed = 0;

    for (int i = 1; i < argc; i++)
        failed |= calculate(argv[i]);
    if (argc > 1)
        return failed;
    while (fgets(line, sizeof line, stdin))
        failed |= calculate(line);
    return failed;
}

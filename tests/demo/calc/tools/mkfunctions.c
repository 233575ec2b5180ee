/* Makes functions.h: reads lines "NAME EXPRESSION-IN-x", drops comments, sorts
   by name and writes a table that is searched by bisection. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct function { char name[32]; char body[128]; };

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct function *)a)->name, ((const struct function *)b)->name);
}

int main(void)
{
    static struct function list[100];
    char line[256];
    int n = 0;

    while (n < 100 && fgets(line, sizeof line, stdin)) {
        if (line[0] == '#' || line[0] == '\n')
            continue;
        if (sscanf(line, "%31s %127[^\n]", list[n].name, list[n].body) != 2) {
            fprintf(stderr, "mkfunctions: bad line: %s", line);
            return 1;
        }
        n++;
    }
    qsort(list, n, sizeof list[0], by_name);
    printf("/* Made by mkfunctions from functions.def. */\n");
    for (int i = 0; i < n; i++)
        printf("static inline double function_%s(double x) { return %s; }\n", list[i].name, list[i].body);
    printf("static const struct { const char *name; double (*call)(double); } functions[] = {\n");
    for (int i = 0; i < n; i++)
        printf("    { \"%s\", function_%s },\n", list[i].name, list[i].name);
    printf("};\n#define FUNCTIONS %d\n", n);
    return 0;
}

#include <math.h>
#include <stdio.h>

#include "settings.h"
#include "value.h"

void print_value(double v)
{
    if (isnan(v))
        puts("undefined");
    else
        printf("%.*f\n", DIGITS, v);
}

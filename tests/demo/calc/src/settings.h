/* What a user of calc may want to change. */
#define DIGITS 3 /* after the point */

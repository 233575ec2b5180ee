/* How numbers are shown. */
void print_value(double v);

int count(const char *word);
void greet(const char *name, int letters);

// reader VERSION SECONDS looks at the library again and again, and fails if it ever meets
// another version.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *version;

static int wrong(const char *what) {
	perror(what);
	fprintf(stderr, "%s: wrong for the %s version\n", what, version);
	exit(1);
}

static void look(const char *file) {
	char text[64] = "";
	struct stat st, named;
	int fd = open(file, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof text - 1) < 0 || fstat(fd, &st)) wrong("open");
	if (strncmp(text, version, 3) || st.st_size != (long)strlen(text)) wrong("content");
	close(fd);
	if (stat(file, &named) || named.st_size != st.st_size) wrong("stat");
}

static void names(void) {
	int old = !strcmp(version, "old");
	if (!access("lib/gone", F_OK) != old) wrong("gone");
	if (!access("lib/come", F_OK) == old) wrong("come");
}

static void list(void) {
	DIR *d = opendir("lib");
	int n = 0;
	for (struct dirent *e; d && (e = readdir(d));) {
		if (!strcmp(e->d_name, version[0] == 'o' ? "come" : "gone")) wrong("list");
		n++;
	}
	if (n != 4) wrong("names");
	closedir(d);
}

int main(int argc, char **argv) {
	version = argv[1];
	time_t end = time(NULL) + atoi(argv[2]);
	long looks = 0;
	do {
		look("single");
		look("lib/data");
		names();
		if (looks++ % 50 == 0) list();
	} while (time(NULL) < end);
	return 0;
}

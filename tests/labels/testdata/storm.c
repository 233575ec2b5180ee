// storm N SECONDS starts N readers at once, half of them the application's, and waits for
// all of them.
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

extern char **environ;

int main(int argc, char **argv) {
	int n = atoi(argv[1]), failed = 0;
	for (int i = 0; i < n; i++) {
		char *reader = i % 2 ? "app/reader" : "other/reader";
		char *want = i % 2 ? "old" : "new";
		char *words[] = {reader, want, argv[2], NULL};
		pid_t pid;
		if (posix_spawn(&pid, reader, NULL, NULL, words, environ)) {
			perror(reader);
			failed++;
		}
	}
	for (int status; wait(&status) > 0;)
		if (status)
			failed++;
	printf("%d processes, %d failed\n", n, failed);
	return failed != 0;
}

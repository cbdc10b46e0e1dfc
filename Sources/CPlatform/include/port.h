// Programs of the operator's that answer requests through a pipe each way. Functions that can fail answer -errno.
#ifndef CPLATFORM_PORT_H
#define CPLATFORM_PORT_H
#include <sys/types.h>

// A pipe whose ends are close-on-exec: pair[0] is read, pair[1] is written. 0 or -errno.
int cplatform_pipe(int pair[2]);

// Makes a descriptor non-blocking. 0 or -errno.
int cplatform_set_nonblocking(int fd);

// Starts a program in a process group of its own, standard input from input, standard output to output, standard error
// inherited, no other descriptor, no signal blocked or ignored. argv and envp end in NULL. The pid or -errno.
pid_t cplatform_spawn_port(const char *program, char *const argv[], char *const envp[], int input, int output);
#endif

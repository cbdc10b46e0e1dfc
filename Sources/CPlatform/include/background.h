// Programs that outlive who started them. Functions that can fail answer -errno.
#ifndef CPLATFORM_BACKGROUND_H
#define CPLATFORM_BACKGROUND_H
#include <sys/types.h>

// Starts a program in a session of its own, standard input from /dev/null, standard output and error to output, no other
// descriptor, no signal blocked or ignored. argv and envp end in NULL. The pid or -errno.
pid_t cplatform_spawn_background(const char *program, char *const argv[], char *const envp[], int output);

// An empty file in memory that can be sealed, close-on-exec. The descriptor or -errno.
int cplatform_sealable_file(void);

// Empties such a file; whoever writes to it from now on gets EPERM. 0 or -errno.
int cplatform_seal_empty(int fd);
#endif

// SQLite, and a file layer for it that does not wait for the disk.
#ifndef CSQLITE_H
#define CSQLITE_H
#include <sqlite3.h>

// The name of the layer, after csqlite_register_instant.
#define CSQLITE_INSTANT "xmppd-instant"

// Registers the layer with SQLite, once per process. SQLITE_OK or the error.
int csqlite_register_instant(void);

// From here on reads of this thread, through connections opened with the layer, fail with SQLITE_IOERR_BLOCKED where the
// system does not hold the page in memory.
void csqlite_instant_begin(void);

// Ends that. Whether a read failed for that reason: 1, or 2 if this kind of file can never be read so.
int csqlite_instant_end(void);

// Whether the file system can tell what is in memory: 1 or 0.
int csqlite_can_read_instantly(int descriptor);
#endif

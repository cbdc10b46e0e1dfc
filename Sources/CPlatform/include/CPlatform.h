// The system calls that Swift's Glibc module does not show: feature-test macros, variadics, CMSG macros.
#ifndef CPLATFORM_H
#define CPLATFORM_H
#include "background.h"
#include "handover.h"
#include "heap.h"
#include "port.h"
#include "process.h"
#include "readiness.h"
#include "sharedmemory.h"
#endif

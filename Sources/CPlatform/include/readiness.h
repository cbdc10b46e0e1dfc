// epoll and eventfd, which Swift's Glibc module leaves out.
#ifndef CPLATFORM_READINESS_H
#define CPLATFORM_READINESS_H
#include <sys/epoll.h>
#include <sys/eventfd.h>
#endif

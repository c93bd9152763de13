#include "distributed/mpi_module.h"

#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>
#include <sched.h>
#include <time.h>

namespace {

constexpr int tag = 16, spins = 200;  // tests before a wait sleeps: a rank has its CPU for itself, as a rule
constexpr size_t largest_message = 1 << 30;

MPI_Comm world = MPI_COMM_NULL;  // of our own: errors return
char text[MPI_MAX_ERROR_STRING], version[MPI_MAX_LIBRARY_VERSION_STRING];

const char* said(int code) {
  if (code == MPI_SUCCESS) return nullptr;
  int length = 0;
  MPI_Error_string(code, text, &length);
  return text;
}

const char* start(int* rank, int* size) {
  int given = 0;
  if (const char* error = said(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &given))) return error;
  if (const char* error = said(MPI_Comm_dup(MPI_COMM_WORLD, &world))) return error;
  MPI_Comm_set_errhandler(world, MPI_ERRORS_RETURN);
  MPI_Comm_rank(world, rank);
  MPI_Comm_size(world, size);
  return nullptr;
}

const char* name() {
  int length = 0;
  MPI_Get_library_version(version, &length);
  return version;
}

const char* broadcast(void* bytes, int count) { return said(MPI_Bcast(bytes, count, MPI_BYTE, 0, world)); }

const char* exchange(int to, const void* sent, size_t sent_bytes, int from, void* received, size_t received_bytes,
                     int (*go_on)(void* context), void* context) {
  if (sent_bytes > largest_message || received_bytes > largest_message) return "a message of more than 1 GiB";
  MPI_Request requests[2];
  if (const char* error =
          said(MPI_Irecv(received, static_cast<int>(received_bytes), MPI_BYTE, from, tag, world, &requests[0])))
    return error;
  if (const char* error = said(MPI_Isend(sent, static_cast<int>(sent_bytes), MPI_BYTE, to, tag, world, &requests[1])))
    return error;
  for (int tries = 0, done = 0;; ++tries) {
    if (const char* error = said(MPI_Testall(2, requests, &done, MPI_STATUSES_IGNORE))) return error;
    if (done) return nullptr;
    if (tries < spins) {
      sched_yield();
      continue;
    }
    const timespec pause{0, 50'000};
    nanosleep(&pause, nullptr);
    if (tries % 64 == 0 && !go_on(context)) return "given up";
  }
}

const char* finish() { return said(MPI_Finalize()); }

}  // namespace

extern "C" __attribute__((visibility("default"))) const SunderMpi* sunder_mpi() {
  static const SunderMpi functions{sunder_mpi_version, start, name, broadcast, exchange, finish};
  return &functions;
}

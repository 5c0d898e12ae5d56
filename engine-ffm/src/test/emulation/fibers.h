// Runs one kernel launch: blocks one after another, the threads of a block as fibers that switch at barriers and shuffles.
#pragma once
#include <string>

namespace emu {
struct Dim { unsigned x, y, z; };
// Calls launcher(arguments) once per thread. Returns 0, or the CUDA error that the kernel ended with; message says why.
int run_kernel(void (*launcher)(void **), void **arguments, void *state_of_module, Dim grid, Dim block, unsigned shared_bytes,
               bool backwards, std::string &message);
}

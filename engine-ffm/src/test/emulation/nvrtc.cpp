// NVRTC by the host's C++ compiler: the same source, behind device.h, becomes a shared object that the emulated driver loads.
#include "emulation.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace {
struct Program { std::string source, name, log, image; std::vector<std::pair<std::string, std::string>> headers; };

std::string folder_of_this_library() {
    Dl_info info;
    dladdr((void *) &folder_of_this_library, &info);
    std::string path = info.dli_fname;
    return path.substr(0, path.find_last_of('/'));
}

std::string read(const std::string &path) {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

void write(const std::string &path, const std::string &text) { std::ofstream(path, std::ios::binary) << text; }

std::string exports(const std::string &source) {
    std::regex kernel("extern\\s+\"C\"\\s+__global__\\s+void\\s+(?:KERNEL_BOUNDS\\([^)]*\\)\\s+)?(\\w+)\\s*\\(");
    std::string lines;
    for (std::sregex_iterator i(source.begin(), source.end(), kernel), end; i != end; ++i)
        lines += "EMU_EXPORT(" + (*i)[1].str() + ")\n";
    return lines;
}
}

#define ENTER(call) if (int status = emu::enter_library(#call)) return status

API int nvrtcVersion(int *major, int *minor) { ENTER(nvrtcVersion); *major = 13; *minor = 0; return 0; }
API const char *nvrtcGetErrorString(int status) {
    return status == 0 ? "NVRTC_SUCCESS" : status == 1 ? "NVRTC_ERROR_OUT_OF_MEMORY" : status == 4 ? "NVRTC_ERROR_INVALID_PROGRAM"
         : status == 6 ? "NVRTC_ERROR_COMPILATION" : "NVRTC_ERROR_INTERNAL_ERROR";
}
API int nvrtcGetNumSupportedArchs(int *count) { ENTER(nvrtcGetNumSupportedArchs); *count = 1; return 0; }
API int nvrtcGetSupportedArchs(int *all) { ENTER(nvrtcGetSupportedArchs); *all = 90; return 0; }
API int nvrtcCreateProgram(void **out, const char *source, const char *name, int headers, const char *const *texts, const char *const *names) {
    ENTER(nvrtcCreateProgram);
    Program *program = new Program{source, name, "", "", {}};
    for (int i = 0; i < headers; i++) program->headers.push_back({names[i], texts[i]});
    emu::track(program);
    *out = program;
    return 0;
}
API int nvrtcDestroyProgram(void **program) {
    int status = emu::enter_library("nvrtcDestroyProgram");
    if (!emu::release(*program)) return 4;
    delete (Program *) *program;
    *program = nullptr;
    return status;
}
API int nvrtcCompileProgram(void *handle, int count, const char *const *options) {
    ENTER(nvrtcCompileProgram);
    if (!emu::is_live(handle)) return 4;
    Program *program = (Program *) handle;
    char work[] = "/tmp/spandrel-emulated-nvrtc-XXXXXX";
    if (!mkdtemp(work)) return 1;
    std::string folder = work;
    for (auto &header : program->headers) write(folder + "/" + header.first, header.second);
    write(folder + "/" + program->name, program->source);
    write(folder + "/unit.cpp", "#include \"device.h\"\n#include \"" + program->name + "\"\n" + exports(program->source));
    const char *compiler = getenv("CXX");
    std::string command = std::string(compiler && *compiler ? compiler : "g++") +
        " -std=c++17 -O2 -fno-strict-aliasing -ffp-contract=off -fPIC -shared -fvisibility=hidden -Wno-attributes";
#if defined(__x86_64__)
    if (__builtin_cpu_supports("fma") && __builtin_cpu_supports("avx2")) command += " -mavx2 -mfma";
#endif
    for (int i = 0; i < count; i++)
        if (!strncmp(options[i], "-D", 2)) command += std::string(" '") + options[i] + "'";
    command += " -I " + folder_of_this_library() + " -o " + folder + "/image.so " + folder + "/unit.cpp 2>" + folder + "/log";
    int status = system(command.c_str());
    program->log = read(folder + "/log");
    program->image = read(folder + "/image.so");
    if (system(("rm -rf " + folder).c_str())) {}
    return status == 0 && !program->image.empty() ? 0 : 6;
}
API int nvrtcGetProgramLogSize(void *program, size_t *size) { ENTER(nvrtcGetProgramLogSize); *size = ((Program *) program)->log.size() + 1; return 0; }
API int nvrtcGetProgramLog(void *program, char *log) { ENTER(nvrtcGetProgramLog); strcpy(log, ((Program *) program)->log.c_str()); return 0; }
API int nvrtcGetCUBINSize(void *program, size_t *size) { ENTER(nvrtcGetCUBINSize); *size = ((Program *) program)->image.size(); return 0; }
API int nvrtcGetCUBIN(void *program, char *image) { ENTER(nvrtcGetCUBIN); memcpy(image, ((Program *) program)->image.data(), ((Program *) program)->image.size()); return 0; }

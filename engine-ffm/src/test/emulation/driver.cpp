// The driver API on host memory: streams are queues that run when somebody waits, in an order drawn from a seed; fresh
// memory holds NaN; allocations end at a page that may not be touched and are never reused; every handle is accounted for.
#include "emulation.h"
#include "fibers.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <deque>
#include <dlfcn.h>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace {
typedef std::function<int()> Work;

struct Event { long recorded = 0, reached = 0; bool in_capture = false; std::chrono::steady_clock::time_point time; };
struct Step { Work work; Event *waits_for = nullptr; long until = 0; emu::NodeType type = emu::KERNEL; };
struct Node { Work work; emu::NodeType type; int fixed; };
struct Stream { std::deque<Step> queue; bool captures = false, broken = false; std::vector<Node> recorded; };
struct Graph { std::vector<Node> nodes; };
struct Module { void *library; void *state; int file; };
struct Function { std::string name; Module *module; void (*launcher)(void **); std::vector<int> sizes; unsigned shared_allowed = 48 << 10; };
struct Stretch { char *mapped; size_t mapped_bytes, bytes; bool live; };
struct Injection { int countdown, status; };

std::recursive_mutex lock;
std::map<std::string, Injection> injections;
std::map<std::string, long> calls, launches;
std::set<const void *> handles;
std::map<uintptr_t, Stretch> device, pinned;
std::vector<Stream *> streams;
std::vector<Function *> functions;
uint64_t total_bytes = 4ull << 30, used_bytes = 0, seed = 1;
int lasting_error = 0, context_users = 0, device_count = 1, driver_version = 13000, shared_bytes = 227 << 10;
std::string last_message;
bool idle = false;
thread_local bool context_is_current = false;
thread_local Stream *capturing = nullptr;

unsigned draw(unsigned below) {
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned) (seed >> 33) % below;
}

const size_t PAGE = 4096;

// The end lies at a page that traps; up to 15 bytes of slack, since vector loads need addresses of 16.
char *take(std::map<uintptr_t, Stretch> &from, size_t bytes) {
    size_t rounded = (bytes + 15) / 16 * 16, pages = (rounded + PAGE - 1) / PAGE * PAGE + 2 * PAGE;
    char *mapped = (char *) mmap(nullptr, pages, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) return nullptr;
    mprotect(mapped + PAGE, pages - 2 * PAGE, PROT_READ | PROT_WRITE);
    char *begin = mapped + pages - PAGE - rounded;
    memset(begin, idle ? 0 : 0xff, bytes);
    from[(uintptr_t) begin] = {mapped, pages, bytes, true};
    return begin;
}

// Stays mapped without access: who touches it afterwards is found out.
bool give_back(std::map<uintptr_t, Stretch> &to, const void *begin) {
    auto found = to.find((uintptr_t) begin);
    if (found == to.end() || !found->second.live) return false;
    found->second.live = false;
    madvise(found->second.mapped, found->second.mapped_bytes, MADV_DONTNEED);
    mprotect(found->second.mapped, found->second.mapped_bytes, PROT_NONE);
    return true;
}

bool lies_in(const std::map<uintptr_t, Stretch> &where, uintptr_t begin, size_t bytes) {
    auto after = where.upper_bound(begin);
    if (after == where.begin()) return false;
    const auto &found = *std::prev(after);
    return found.second.live && begin + bytes <= found.first + found.second.bytes;
}

bool run_one() {
    std::vector<Stream *> ready;
    for (Stream *stream : streams)
        if (!stream->queue.empty()) {
            Step &head = stream->queue.front();
            if (!head.waits_for || head.waits_for->reached >= head.until) ready.push_back(stream);
        }
    if (ready.empty()) return false;
    Stream *stream = ready[draw(ready.size())];
    Step step = stream->queue.front();
    stream->queue.pop_front();
    if (step.work && !lasting_error && !(idle && step.type == emu::KERNEL)) {
        int status = step.work();
        if (status) lasting_error = status;
    }
    return true;
}

int run_until(const std::function<bool()> &done) {
    while (!done() && run_one()) {}
    return lasting_error ? lasting_error : done() ? 0 : emu::LAUNCH_FAILED;
}

Stream *stream_of(CUstream handle) { return emu::is_live(handle) ? (Stream *) handle : nullptr; }

int refuse_while_capturing(Stream *stream) {
    if (!stream || !stream->captures) return 0;
    stream->broken = true;
    return emu::CAPTURE_UNSUPPORTED;
}

template <class T> int forget(T *handle, std::vector<T *> *list) {
    if (!emu::release(handle)) return emu::INVALID_HANDLE;
    if (list) list->erase(std::remove(list->begin(), list->end(), handle), list->end());
    delete handle;
    return 0;
}
}

int emu::enter(const char *call, bool needs_context) {
    calls[call]++;
    auto injection = injections.find(call);
    if (injection != injections.end() && --injection->second.countdown == 0) {
        int status = injection->second.status;
        if (status >= 700 && status <= 721) lasting_error = status;
        return status;
    }
    if (needs_context && !context_is_current) return INVALID_CONTEXT;
    return lasting_error;
}
int emu::enter_library(const char *call) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    calls[call]++;
    auto injection = injections.find(call);
    return injection != injections.end() && --injection->second.countdown == 0 ? injection->second.status : 0;
}
void emu::track(const void *handle) { std::lock_guard<std::recursive_mutex> guard(lock); handles.insert(handle); }
bool emu::is_live(const void *handle) { std::lock_guard<std::recursive_mutex> guard(lock); return handles.count(handle) != 0; }
bool emu::release(const void *handle) { std::lock_guard<std::recursive_mutex> guard(lock); return handles.erase(handle) != 0; }
bool emu::on_device(uint64_t address, size_t bytes) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    return lies_in(device, address, bytes);
}
int emu::enqueue(CUstream handle, std::function<int()> work, NodeType type, int fixed) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    Stream *stream = stream_of(handle);
    if (!stream) return INVALID_HANDLE;
    if (stream->broken) return CAPTURE_INVALIDATED;
    if (stream->captures) stream->recorded.push_back({std::move(work), type, fixed});
    else stream->queue.push_back({std::move(work), nullptr, 0, type});
    return 0;
}

#define ENTER_AS(call, needs)                                                                                            \
    std::lock_guard<std::recursive_mutex> guard(lock);                                                                   \
    int entered = emu::enter(call, needs);                                                                               \
    if (entered) return (CUresult) entered
#define ENTER(call) ENTER_AS(#call, true)

// --- what tests say and ask -------------------------------------------------------------------------------------------

API void spandrel_emu_fail(const char *call, int nth, int status) { std::lock_guard<std::recursive_mutex> g(lock); injections[call] = {nth, status}; }
API void spandrel_emu_recover() { std::lock_guard<std::recursive_mutex> g(lock); injections.clear(); calls.clear(); launches.clear(); lasting_error = 0; last_message.clear(); for (Stream *s : streams) s->queue.clear(); }
API void spandrel_emu_configure(unsigned long long bytes, unsigned long long order, int devices, int version) {
    std::lock_guard<std::recursive_mutex> g(lock);
    total_bytes = bytes; seed = order; device_count = devices; driver_version = version;
}
// Whether kernels and graphs do nothing, on memory that begins as zeros: what is left is what the host does.
API void spandrel_emu_idle(int wanted) { std::lock_guard<std::recursive_mutex> g(lock); idle = wanted; }
API void spandrel_emu_shared(int bytes) { std::lock_guard<std::recursive_mutex> g(lock); shared_bytes = bytes; }
API long spandrel_emu_live_allocations() { std::lock_guard<std::recursive_mutex> g(lock); long n = 0; for (auto &a : device) n += a.second.live; for (auto &a : pinned) n += a.second.live; return n; }
API long spandrel_emu_live_handles() { std::lock_guard<std::recursive_mutex> g(lock); return (long) handles.size() + context_users; }
API long spandrel_emu_calls(const char *call) { std::lock_guard<std::recursive_mutex> g(lock); return calls[call]; }
API long spandrel_emu_launches(const char *kernel) { std::lock_guard<std::recursive_mutex> g(lock); return launches[kernel]; }
API const char *spandrel_emu_message() { return last_message.c_str(); }
API const char *spandrel_emu_called(int index) { std::lock_guard<std::recursive_mutex> g(lock); if (index >= (int) calls.size()) return nullptr; return std::next(calls.begin(), index)->first.c_str(); }

// --- errors, device, context ------------------------------------------------------------------------------------------

static const std::map<int, std::pair<const char *, const char *>> ERRORS = {
    {0, {"CUDA_SUCCESS", "no error"}}, {1, {"CUDA_ERROR_INVALID_VALUE", "invalid argument"}},
    {2, {"CUDA_ERROR_OUT_OF_MEMORY", "out of memory"}}, {3, {"CUDA_ERROR_NOT_INITIALIZED", "initialization error"}},
    {34, {"CUDA_ERROR_STUB_LIBRARY", "CUDA driver is a stub library"}}, {100, {"CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"}},
    {200, {"CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"}}, {201, {"CUDA_ERROR_INVALID_CONTEXT", "invalid device context"}},
    {400, {"CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"}}, {500, {"CUDA_ERROR_NOT_FOUND", "named symbol not found"}},
    {600, {"CUDA_ERROR_NOT_READY", "device not ready"}}, {700, {"CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"}},
    {719, {"CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"}}, {900, {"CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing"}},
    {910, {"CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE", "the graph update was not performed because it included changes which violated constraints specific to instantiated graph update"}},
    {901, {"CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", "operation failed due to a previous error during capture"}},
    {999, {"CUDA_ERROR_UNKNOWN", "unknown error"}}};
API CUresult cuGetErrorName(CUresult error, const char **text) { auto e = ERRORS.find((int) error); if (e == ERRORS.end()) { *text = nullptr; return (CUresult) 1; } *text = e->second.first; return (CUresult) 0; }
API CUresult cuGetErrorString(CUresult error, const char **text) { auto e = ERRORS.find((int) error); if (e == ERRORS.end()) { *text = nullptr; return (CUresult) 1; } *text = e->second.second; return (CUresult) 0; }

API CUresult cuInit(unsigned) { ENTER_AS("cuInit", false); return (CUresult) (device_count ? 0 : 100); }
API CUresult cuDriverGetVersion(int *version) { ENTER_AS("cuDriverGetVersion", false); *version = driver_version; return (CUresult) 0; }
API CUresult cuDeviceGetCount(int *count) { ENTER_AS("cuDeviceGetCount", false); *count = device_count; return (CUresult) 0; }
API CUresult cuDeviceGet(CUdevice *out, int ordinal) { ENTER_AS("cuDeviceGet", false); *out = ordinal; return (CUresult) (ordinal < device_count ? 0 : 101); }
API CUresult cuDeviceGetName(char *name, int length, CUdevice) { ENTER_AS("cuDeviceGetName", false); snprintf(name, length, "Spandrel host emulation"); return (CUresult) 0; }
API CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice) { ENTER_AS("cuDeviceTotalMem_v2", false); *bytes = total_bytes; return (CUresult) 0; }
API CUresult cuDeviceGetPCIBusId(char *id, int length, CUdevice) { ENTER_AS("cuDeviceGetPCIBusId", false); snprintf(id, length, "0000:00:00.0"); return (CUresult) 0; }
API CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute which, CUdevice) {
    ENTER_AS("cuDeviceGetAttribute", false);
    switch ((int) which) {
        case 75: *value = 9; break;
        case 76: *value = 0; break;
        case 16: *value = 4; break;
        case 97: *value = shared_bytes; break;
        default: return (CUresult) emu::INVALID_VALUE;
    }
    return (CUresult) 0;
}
API CUresult cuDevicePrimaryCtxRetain(CUcontext *out, CUdevice) { ENTER_AS("cuDevicePrimaryCtxRetain", false); context_users++; *out = (CUcontext) &context_users; return (CUresult) 0; }
API CUresult cuDevicePrimaryCtxRelease_v2(CUdevice) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    int entered = emu::enter("cuDevicePrimaryCtxRelease_v2", false);
    if (context_users > 0) context_users--;
    return (CUresult) entered;
}
API CUresult cuCtxSetCurrent(CUcontext context) { ENTER_AS("cuCtxSetCurrent", false); context_is_current = context != nullptr; return (CUresult) 0; }
API CUresult cuCtxSynchronize() { ENTER(cuCtxSynchronize); return (CUresult) run_until([] { for (Stream *s : streams) if (!s->queue.empty()) return false; return true; }); }
API CUresult cuMemGetInfo_v2(size_t *free, size_t *total) { ENTER(cuMemGetInfo_v2); *total = total_bytes; *free = total_bytes - used_bytes; return (CUresult) 0; }

// --- memory -----------------------------------------------------------------------------------------------------------

API CUresult cuMemAlloc_v2(CUdeviceptr *out, size_t bytes) {
    ENTER(cuMemAlloc_v2);
    if (int refused = refuse_while_capturing(capturing)) return (CUresult) refused;
    if (!bytes) return (CUresult) emu::INVALID_VALUE;
    if (bytes > total_bytes - used_bytes) return (CUresult) emu::OUT_OF_MEMORY;
    char *memory = take(device, bytes);
    if (!memory) return (CUresult) emu::OUT_OF_MEMORY;
    used_bytes += bytes;
    *out = (CUdeviceptr) memory;
    return (CUresult) 0;
}
API CUresult cuMemFree_v2(CUdeviceptr memory) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    int entered = emu::enter("cuMemFree_v2", true);
    // As the driver does, a free waits for what is under way.
    run_until([] { for (Stream *s : streams) if (!s->queue.empty()) return false; return true; });
    auto found = device.find((uintptr_t) memory);
    if (found == device.end() || !found->second.live) return (CUresult) (entered ? entered : emu::INVALID_VALUE);
    used_bytes -= found->second.bytes;
    give_back(device, (void *) memory);
    return (CUresult) entered;
}
API CUresult cuMemHostAlloc(void **out, size_t bytes, unsigned) { ENTER(cuMemHostAlloc); if (int refused = refuse_while_capturing(capturing)) return (CUresult) refused; *out = take(pinned, bytes); return (CUresult) (*out ? 0 : emu::OUT_OF_MEMORY); }
API CUresult cuMemFreeHost(void *memory) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    int entered = emu::enter("cuMemFreeHost", true);
    run_until([] { for (Stream *s : streams) if (!s->queue.empty()) return false; return true; });
    bool known = give_back(pinned, memory);
    return (CUresult) (entered ? entered : known ? 0 : emu::INVALID_VALUE);
}
// Copied when the stream comes to it: a buffer that is written again too early shows.
API CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream stream) {
    ENTER(cuMemcpyHtoDAsync_v2);
    if (!lies_in(pinned, (uintptr_t) from, bytes) || !lies_in(device, (uintptr_t) to, bytes)) return (CUresult) emu::INVALID_VALUE;
    return (CUresult) emu::enqueue(stream, [=] { if (!lies_in(device, (uintptr_t) to, bytes) || !lies_in(pinned, (uintptr_t) from, bytes)) return emu::ILLEGAL_ADDRESS; memcpy((void *) to, from, bytes); return 0; }, emu::MEMCPY, 1);
}
API CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, CUstream stream) {
    ENTER(cuMemcpyDtoHAsync_v2);
    if (!lies_in(pinned, (uintptr_t) to, bytes) || !lies_in(device, (uintptr_t) from, bytes)) return (CUresult) emu::INVALID_VALUE;
    return (CUresult) emu::enqueue(stream, [=] { if (!lies_in(device, (uintptr_t) from, bytes) || !lies_in(pinned, (uintptr_t) to, bytes)) return emu::ILLEGAL_ADDRESS; memcpy(to, (void *) from, bytes); return 0; }, emu::MEMCPY, 2);
}
API CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t bytes, CUstream stream) {
    ENTER(cuMemsetD8Async);
    if (!lies_in(device, (uintptr_t) to, bytes)) return (CUresult) emu::INVALID_VALUE;
    return (CUresult) emu::enqueue(stream, [=] { memset((void *) to, value, bytes); return 0; }, emu::MEMSET);
}

// --- streams, events, graphs ------------------------------------------------------------------------------------------

API CUresult cuStreamCreate(CUstream *out, unsigned) { ENTER(cuStreamCreate); Stream *s = new Stream(); streams.push_back(s); emu::track(s); *out = (CUstream) s; return (CUresult) 0; }
API CUresult cuStreamDestroy_v2(CUstream handle) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    int entered = emu::enter("cuStreamDestroy_v2", true);
    Stream *stream = stream_of(handle);
    if (stream) run_until([&] { return stream->queue.empty(); });
    if (capturing == stream) capturing = nullptr;
    int status = forget(stream, &streams);
    return (CUresult) (entered ? entered : status);
}
API CUresult cuStreamSynchronize(CUstream handle) {
    ENTER(cuStreamSynchronize);
    Stream *stream = stream_of(handle);
    if (!stream) return (CUresult) emu::INVALID_HANDLE;
    if (int refused = refuse_while_capturing(stream)) return (CUresult) refused;
    return (CUresult) run_until([=] { return stream->queue.empty(); });
}
API CUresult cuStreamWaitEvent(CUstream handle, CUevent event, unsigned) {
    ENTER(cuStreamWaitEvent);
    Stream *stream = stream_of(handle);
    if (!stream || !emu::is_live(event)) return (CUresult) emu::INVALID_HANDLE;
    if (int refused = refuse_while_capturing(stream)) return (CUresult) refused;
    Step step;
    step.waits_for = (Event *) event;
    step.until = ((Event *) event)->recorded;
    stream->queue.push_back(step);
    return (CUresult) 0;
}
API CUresult cuStreamBeginCapture_v2(CUstream handle, CUstreamCaptureMode) { ENTER(cuStreamBeginCapture_v2); Stream *s = stream_of(handle); if (!s) return (CUresult) emu::INVALID_HANDLE; s->captures = true; s->broken = false; s->recorded.clear(); capturing = s; return (CUresult) 0; }
API CUresult cuStreamEndCapture(CUstream handle, CUgraph *out) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    int entered = emu::enter("cuStreamEndCapture", true);
    Stream *stream = stream_of(handle);
    if (!stream || !stream->captures) return (CUresult) (entered ? entered : emu::INVALID_VALUE);
    bool broken = stream->broken;
    stream->captures = stream->broken = false;
    capturing = nullptr;
    if (entered || broken) return (CUresult) (entered ? entered : emu::CAPTURE_INVALIDATED);
    Graph *graph = new Graph{std::move(stream->recorded)};
    emu::track(graph);
    *out = (CUgraph) graph;
    return (CUresult) 0;
}
API CUresult cuGraphInstantiateWithFlags(CUgraphExec *out, CUgraph graph, unsigned long long) { ENTER(cuGraphInstantiateWithFlags); if (!emu::is_live(graph)) return (CUresult) emu::INVALID_HANDLE; Graph *e = new Graph(*(Graph *) graph); emu::track(e); *out = (CUgraphExec) e; return (CUresult) 0; }
API CUresult cuGraphLaunch(CUgraphExec handle, CUstream stream) {
    ENTER(cuGraphLaunch);
    if (!emu::is_live(handle)) return (CUresult) emu::INVALID_HANDLE;
    if (idle) return (CUresult) 0;
    for (const Node &node : ((Graph *) handle)->nodes)
        if (int status = emu::enqueue(stream, node.work, node.type)) return (CUresult) status;
    return (CUresult) 0;
}
// Nodes that follow each other may change their kernels, sizes and parameters, not their number, their types, whether a kernel begins
// before its predecessor ends (an edge of another kind), or the direction of a copy. The executable is as it was when that is refused.
API CUresult cuGraphExecUpdate_v2(CUgraphExec handle, CUgraph from, CUgraphExecUpdateResultInfo *info) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    int entered = emu::enter("cuGraphExecUpdate_v2", true);
    *info = {};
    if (entered == emu::UPDATE_FAILURE) info->result = (CUgraphExecUpdateResult) 6;
    if (entered) return (CUresult) entered;
    if (!emu::is_live(handle) || !emu::is_live(from)) { info->result = (CUgraphExecUpdateResult) 1; return (CUresult) emu::INVALID_HANDLE; }
    std::vector<Node> &mine = ((Graph *) handle)->nodes, &theirs = ((Graph *) from)->nodes;
    for (size_t i = 0; i < std::max(mine.size(), theirs.size()); i++) {
        bool there = i < mine.size() && i < theirs.size(), typed = there && mine[i].type == theirs[i].type;
        if (typed && mine[i].fixed == theirs[i].fixed) continue;
        // Topology, type, parameters: 2, 3, 5; the node is one of the graph that was to be taken over.
        bool edge = !there || (typed && mine[i].type == emu::KERNEL);
        info->result = (CUgraphExecUpdateResult) (edge ? 2 : typed ? 5 : 3);
        info->errorNode = (CUgraphNode) (i < theirs.size() ? &theirs[i] : nullptr);
        info->errorFromNode = (CUgraphNode) (edge && i > 0 && i <= theirs.size() ? &theirs[i - 1] : nullptr);
        return (CUresult) emu::UPDATE_FAILURE;
    }
    mine = theirs;
    return (CUresult) 0;
}
template <class H> static CUresult destroy_graph(const char *call, H handle) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    int entered = emu::enter(call, true);
    int status = forget((Graph *) handle, (std::vector<Graph *> *) nullptr);
    return (CUresult) (entered ? entered : status);
}
API CUresult cuGraphDestroy(CUgraph graph) { return destroy_graph("cuGraphDestroy", graph); }
API CUresult cuGraphExecDestroy(CUgraphExec graph) { return destroy_graph("cuGraphExecDestroy", graph); }

API CUresult cuEventCreate(CUevent *out, unsigned) { ENTER(cuEventCreate); Event *e = new Event(); emu::track(e); *out = (CUevent) e; return (CUresult) 0; }
API CUresult cuEventDestroy_v2(CUevent handle) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    int entered = emu::enter("cuEventDestroy_v2", true);
    run_until([] { for (Stream *s : streams) if (!s->queue.empty()) return false; return true; });
    int status = forget((Event *) handle, (std::vector<Event *> *) nullptr);
    return (CUresult) (entered ? entered : status);
}
API CUresult cuEventRecord(CUevent handle, CUstream stream) {
    ENTER(cuEventRecord);
    if (!emu::is_live(handle)) return (CUresult) emu::INVALID_HANDLE;
    Event *event = (Event *) handle;
    Stream *captures = stream_of(stream);
    // Recorded so, it says what comes after what in the graph, and nobody can ask it.
    event->in_capture = captures && captures->captures;
    if (event->in_capture) return (CUresult) 0;
    long version = ++event->recorded;
    return (CUresult) emu::enqueue(stream, [=] { event->reached = version; event->time = std::chrono::steady_clock::now(); return 0; }, emu::EVENT_RECORD);
}
API CUresult cuEventRecordWithFlags(CUevent handle, CUstream stream, unsigned flags) {
    ENTER(cuEventRecordWithFlags);
    Stream *captures = stream_of(stream);
    if (!emu::is_live(handle) || !captures) return (CUresult) emu::INVALID_HANDLE;
    // External is for captures, and in one nothing else makes a node of it.
    if (flags > 1 || captures->captures != (flags == 1)) return (CUresult) emu::INVALID_VALUE;
    Event *event = (Event *) handle;
    event->in_capture = false;
    long version = flags ? 0 : ++event->recorded;
    return (CUresult) emu::enqueue(stream, [=] {
        if (!emu::is_live(event)) return emu::INVALID_HANDLE;
        // A node of a graph records anew whenever it runs, and until then nobody waits for it.
        event->reached = flags ? ++event->recorded : version;
        event->time = std::chrono::steady_clock::now();
        return 0;
    }, emu::EVENT_RECORD);
}
API CUresult cuEventSynchronize(CUevent handle) { ENTER(cuEventSynchronize); if (!emu::is_live(handle)) return (CUresult) emu::INVALID_HANDLE; Event *e = (Event *) handle; return (CUresult) run_until([=] { return e->reached >= e->recorded; }); }
API CUresult cuEventElapsedTime_v2(float *millis, CUevent start, CUevent end) {
    ENTER(cuEventElapsedTime_v2);
    if (!emu::is_live(start) || !emu::is_live(end)) return (CUresult) emu::INVALID_HANDLE;
    Event *a = (Event *) start, *b = (Event *) end;
    if (a->in_capture || b->in_capture) return (CUresult) emu::CAPTURED_EVENT;
    if (!a->recorded || !b->recorded) return (CUresult) emu::INVALID_HANDLE;
    if (a->reached < a->recorded || b->reached < b->recorded) return (CUresult) emu::NOT_READY;
    *millis = std::chrono::duration<float, std::milli>(b->time - a->time).count();
    return (CUresult) 0;
}

// --- code -------------------------------------------------------------------------------------------------------------

API CUresult cuModuleLoadDataEx(CUmodule *out, const void *image, unsigned, CUjit_option *, void **) {
    ENTER(cuModuleLoadDataEx);
    if (memcmp(image, "\177ELF", 4)) return (CUresult) emu::INVALID_IMAGE;
    // A shared object behind its length, as the emulated NVRTC writes it.
    const char *bytes = (const char *) image;
    unsigned long long section_table, size;
    unsigned short entry_size, entries;
    memcpy(&section_table, bytes + 40, 8);
    memcpy(&entry_size, bytes + 58, 2);
    memcpy(&entries, bytes + 60, 2);
    size = section_table + (unsigned long long) entry_size * entries;
    int file = memfd_create("spandrel-emulated-cubin", 0);
    if (file < 0 || write(file, image, size) != (ssize_t) size) return (CUresult) emu::OUT_OF_MEMORY;
    std::string path = "/proc/self/fd/" + std::to_string(file);
    void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) { last_message = dlerror(); close(file); return (CUresult) emu::INVALID_IMAGE; }
    void *state = dlsym(library, "emu_state");
    if (!state) { dlclose(library); close(file); return (CUresult) emu::INVALID_IMAGE; }
    Module *module = new Module{library, state, file};
    emu::track(module);
    *out = (CUmodule) module;
    return (CUresult) 0;
}
API CUresult cuModuleUnload(CUmodule handle) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    int entered = emu::enter("cuModuleUnload", true);
    run_until([] { for (Stream *s : streams) if (!s->queue.empty()) return false; return true; });
    if (!emu::is_live(handle)) return (CUresult) (entered ? entered : emu::INVALID_HANDLE);
    Module *module = (Module *) handle;
    for (size_t i = functions.size(); i-- > 0;)
        if (functions[i]->module == module) { delete functions[i]; functions.erase(functions.begin() + i); }
    dlclose(module->library);
    close(module->file);
    forget(module, (std::vector<Module *> *) nullptr);
    return (CUresult) entered;
}
API CUresult cuModuleGetFunction(CUfunction *out, CUmodule handle, const char *name) {
    ENTER(cuModuleGetFunction);
    if (!emu::is_live(handle)) return (CUresult) emu::INVALID_HANDLE;
    Module *module = (Module *) handle;
    auto launcher = (void (*)(void **)) dlsym(module->library, (std::string("emu_launch_") + name).c_str());
    auto sizes = (int (*)(int *)) dlsym(module->library, (std::string("emu_sizes_") + name).c_str());
    if (!launcher || !sizes) return (CUresult) emu::NOT_FOUND;
    int all[64];
    int count = sizes(all);
    functions.push_back(new Function{name, module, launcher, std::vector<int>(all, all + count)});
    *out = (CUfunction) functions.back();
    return (CUresult) 0;
}
static Function *function_of(CUfunction handle) { return std::find(functions.begin(), functions.end(), (Function *) handle) == functions.end() ? nullptr : (Function *) handle; }
API CUresult cuFuncSetAttribute(CUfunction handle, CUfunction_attribute which, int value) {
    ENTER(cuFuncSetAttribute);
    Function *function = function_of(handle);
    if (!function) return (CUresult) emu::INVALID_HANDLE;
    if ((int) which != 8 || value < 0 || value > shared_bytes) return (CUresult) emu::INVALID_VALUE;
    function->shared_allowed = value;
    return (CUresult) 0;
}
API CUresult cuLaunchKernelEx(const CUlaunchConfig *config, CUfunction handle, void **parameters, void **) {
    ENTER(cuLaunchKernelEx);
    Function *function = function_of(handle);
    if (!function) return (CUresult) emu::INVALID_HANDLE;
    emu::Dim grid = {config->gridDimX, config->gridDimY, config->gridDimZ}, block = {config->blockDimX, config->blockDimY, config->blockDimZ};
    unsigned threads = block.x * block.y * block.z, shared = config->sharedMemBytes;
    if (!grid.x || !grid.y || !grid.z || grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535 || !threads || threads > 1024 || shared > function->shared_allowed)
        return (CUresult) emu::INVALID_VALUE;
    auto values = std::make_shared<std::vector<unsigned long long>>(function->sizes.size());
    for (size_t i = 0; i < function->sizes.size(); i++) memcpy(&(*values)[i], parameters[i], function->sizes[i]);
    bool backwards = draw(2);
    launches[function->name]++;
    return (CUresult) emu::enqueue(config->hStream, [=] {
        std::vector<void *> arguments;
        for (auto &value : *values) arguments.push_back(&value);
        return emu::run_kernel(function->launcher, arguments.data(), function->module->state, grid, block, shared, backwards, last_message);
    }, emu::KERNEL, config->numAttrs);
}

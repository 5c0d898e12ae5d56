#include "fibers.h"
#include "emulation.h"

#include <csetjmp>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <ucontext.h>
#include <vector>

namespace {
// Stacks begin at different cache sets, else all threads of a block would fight for the same few lines.
constexpr size_t STACK = 32 << 10, STRIDE = STACK + 576;
constexpr unsigned WARP = 32, THREADS = 1024;

// As in device.h, which the kernel was compiled with.
struct EmuState {
    emu::Dim thread, block, blocks, threads;
    char *shared;
    void (*barrier)();
    int (*vote_barrier)(int);
    unsigned long long (*exchange)(unsigned, unsigned long long, int);
    unsigned (*ballot)(unsigned, int);
    const unsigned long long (*(*share)(const unsigned long long *))[4];
    void (*fail)(const char *);
};

#if defined(__x86_64__)
// Saves what the calling convention asks a function to keep, and swaps stacks; swapcontext would make two system calls.
extern "C" void emu_switch(void **from, void *to);
asm(R"(
.text
.globl emu_switch
.hidden emu_switch
emu_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
)");
struct Context { void *stack; };
void switch_to(Context &from, Context &to) { emu_switch(&from.stack, to.stack); }
void prepare(Context &context, char *stack, void (*entry)()) {
    // At a function's first instruction the stack is 8 short of a multiple of 16: the return address, here none.
    void **top = (void **) (stack + STACK);
    *--top = nullptr;
    *--top = (void *) entry;
    for (int i = 0; i < 6; i++) *--top = nullptr;
    context.stack = top;
}
#else
struct Context { ucontext_t context; };
void switch_to(Context &from, Context &to) { swapcontext(&from.context, &to.context); }
void prepare(Context &context, char *stack, void (*entry)()) {
    getcontext(&context.context);
    context.context.uc_stack.ss_sp = stack;
    context.context.uc_stack.ss_size = STACK;
    context.context.uc_link = nullptr;
    makecontext(&context.context, entry, 0);
}
#endif

struct Fiber {
    Context context;
    emu::Dim thread;
    unsigned turn;
};

// Which lanes can go on, and what the others wait for; wanted are the lanes that those in a shuffle wait for.
struct Warp {
    unsigned runs, in_shuffle, at_barrier, done, there, wanted;
    unsigned long long slots[2][WARP][4];
};

struct Run {
    EmuState *state;
    void (*launcher)(void **);
    void **arguments;
    Fiber fibers[THREADS];
    Warp warps[THREADS / WARP];
    Context scheduler;
    unsigned current;
    bool backwards;
    int votes, last_votes;
};

Run run;
char *stacks;
thread_local bool in_kernel;
sigjmp_buf escape;
const char *failure;
struct sigaction before;

void go_to(Context &from, unsigned index) {
    run.current = index;
    run.state->thread = run.fibers[index].thread;
    switch_to(from, run.fibers[index].context);
}

unsigned next_lane(unsigned lanes) { return run.backwards ? 31 - __builtin_clz(lanes) : __builtin_ctz(lanes); }

// The next lane of the warp goes on at once; the scheduler is asked only when none can.
void yield(Warp &warp, unsigned index) {
    Fiber &fiber = run.fibers[index];
    if (warp.runs) go_to(fiber.context, index / WARP * WARP + next_lane(warp.runs));
    else switch_to(fiber.context, run.scheduler);
}

// Lanes that all wait for each other go on together; those that have ended are not waited for.
bool release(Warp &warp) {
    if (!warp.in_shuffle || (warp.wanted & warp.there & ~(warp.in_shuffle | warp.done))) return false;
    warp.runs = warp.in_shuffle;
    warp.in_shuffle = warp.wanted = 0;
    return true;
}

void entry() {
    run.launcher(run.arguments);
    unsigned index = run.current, lane = 1u << index % WARP;
    Warp &warp = run.warps[index / WARP];
    warp.runs &= ~lane;
    warp.done |= lane;
    yield(warp, index);
    abort();
}

void barrier() {
    unsigned index = run.current, lane = 1u << index % WARP;
    Warp &warp = run.warps[index / WARP];
    warp.runs &= ~lane;
    warp.at_barrier |= lane;
    yield(warp, index);
}

int vote_barrier(int value) {
    run.votes |= value != 0;
    barrier();
    return run.last_votes;
}

// Each lane leaves its value and reads another's once all have; two sets of slots, so that nobody overtakes by two. The last
// to come goes on at once.
typedef unsigned long long Slot[4];
const Slot *meet(unsigned mask, const unsigned long long *values, int count) {
    unsigned index = run.current, lane = 1u << index % WARP;
    Warp &warp = run.warps[index / WARP];
    Slot *slots = warp.slots[run.fibers[index].turn++ & 1];
    for (int i = 0; i < count; i++) slots[index % WARP][i] = values[i];
    warp.runs &= ~lane;
    warp.in_shuffle |= lane;
    warp.wanted |= mask;
    if (warp.runs || !release(warp) || !(warp.runs & lane)) yield(warp, index);
    return slots;
}

unsigned long long exchange(unsigned mask, unsigned long long value, int source) { return meet(mask, &value, 1)[source][0]; }

const Slot *share(const unsigned long long *values) { return meet(0xffffffffu, values, 4); }

unsigned ballot(unsigned mask, int value) {
    unsigned long long mine = value != 0;
    const Slot *slots = meet(mask, &mine, 1);
    unsigned result = 0;
    for (unsigned lane = 0; lane < WARP; lane++)
        if (mask >> lane & 1 && slots[lane][0]) result |= 1u << lane;
    return result;
}

void fail(const char *what) {
    failure = what;
    siglongjmp(escape, emu::LAUNCH_FAILED);
}

void on_fault(int signal, siginfo_t *info, void *context) {
    if (in_kernel) {
        failure = "a kernel touched memory that is not its own";
        siglongjmp(escape, emu::ILLEGAL_ADDRESS);
    }
    if (before.sa_flags & SA_SIGINFO) before.sa_sigaction(signal, info, context);
    else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) before.sa_handler(signal);
    else abort();
}

void catch_faults() {
    static bool caught;
    if (caught) return;
    caught = true;
    struct sigaction action = {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigaction(SIGSEGV, &action, &before);
}

void begin_block(unsigned threads) {
    for (unsigned i = 0; i < threads; i += WARP) {
        Warp &warp = run.warps[i / WARP];
        warp.there = warp.runs = threads - i >= WARP ? 0xffffffffu : (1u << (threads - i)) - 1;
        warp.in_shuffle = warp.at_barrier = warp.done = warp.wanted = 0;
    }
    for (unsigned i = 0; i < threads; i++) {
        run.fibers[i].turn = 0;
        prepare(run.fibers[i].context, stacks + i * STRIDE, entry);
    }
    run.votes = 0;
}

void run_block(unsigned threads) {
    unsigned warps = (threads + WARP - 1) / WARP;
    for (;;) {
        bool ended = true, together = true, moved = false;
        for (unsigned k = 0; k < warps; k++) {
            unsigned w = run.backwards ? warps - 1 - k : k;
            Warp &warp = run.warps[w];
            while (warp.runs || release(warp)) {
                go_to(run.scheduler, w * WARP + next_lane(warp.runs));
                moved = true;
            }
            ended &= warp.done == warp.there;
            together &= (warp.done | warp.at_barrier) == warp.there;
        }
        if (ended) return;
        if (together) {
            run.last_votes = run.votes;
            run.votes = 0;
            for (unsigned w = 0; w < warps; w++) {
                run.warps[w].runs = run.warps[w].at_barrier;
                run.warps[w].at_barrier = 0;
            }
        } else if (!moved) {
            fail("threads of a block wait for each other for ever: a barrier or shuffle that not all reach");
        }
    }
}
}

int emu::run_kernel(void (*launcher)(void **), void **arguments, void *state_of_module, Dim grid, Dim block,
                    unsigned shared_bytes, bool backwards, std::string &message) {
    unsigned threads = block.x * block.y * block.z;
    if (!stacks) {
        stacks = (char *) mmap(nullptr, THREADS * STRIDE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        madvise(stacks, THREADS * STRIDE, MADV_HUGEPAGE);
    }
    catch_faults();
    static std::vector<char> shared;
    shared.resize(shared_bytes + 16);
    static EmuState state;
    state.blocks = {grid.x, grid.y, grid.z};
    state.threads = {block.x, block.y, block.z};
    state.shared = (char *) (((uintptr_t) shared.data() + 15) & ~(uintptr_t) 15);
    state.barrier = barrier;
    state.vote_barrier = vote_barrier;
    state.exchange = exchange;
    state.ballot = ballot;
    state.share = share;
    state.fail = fail;
    *(EmuState **) state_of_module = &state;
    run.state = &state;
    run.launcher = launcher;
    run.arguments = arguments;
    run.backwards = backwards;
    for (unsigned i = 0; i < threads; i++)
        run.fibers[i].thread = {i % block.x, i / block.x % block.y, i / block.x / block.y};
    in_kernel = true;
    int error = sigsetjmp(escape, 1);
    if (error == 0) {
        unsigned long long blocks = (unsigned long long) grid.x * grid.y * grid.z;
        for (unsigned long long n = 0; n < blocks; n++) {
            unsigned long long b = backwards ? blocks - 1 - n : n;
            state.block = {(unsigned) (b % grid.x), (unsigned) (b / grid.x % grid.y), (unsigned) (b / grid.x / grid.y)};
            memset(state.shared, 0xff, shared_bytes);
            begin_block(threads);
            run_block(threads);
        }
    } else {
        message = failure;
    }
    in_kernel = false;
    return error;
}

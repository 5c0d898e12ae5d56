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
constexpr size_t STACK = 64 << 10;
constexpr unsigned WARP = 32;

// As in device.h, which the kernel was compiled with.
struct EmuState {
    emu::Dim thread, block, blocks, threads;
    char *shared;
    void (*barrier)();
    int (*vote_barrier)(int);
    unsigned long long (*exchange)(unsigned, unsigned long long, int);
    unsigned (*ballot)(unsigned, int);
    void (*fail)(const char *);
};

enum Waiting { RUNS, AT_BARRIER, IN_WARP, DONE };

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
    Waiting waiting;
    unsigned mask;
    unsigned turn;
};

struct Warp { unsigned long long slots[2][WARP]; };

struct Run {
    EmuState *state;
    void (*launcher)(void **);
    void **arguments;
    std::vector<Fiber> fibers;
    std::vector<Warp> warps;
    Context scheduler;
    unsigned current;
    int votes, last_votes;
};

Run run;
char *stacks;
thread_local bool in_kernel;
sigjmp_buf escape;
const char *failure;
struct sigaction before;

void yield(Waiting why) {
    Fiber &fiber = run.fibers[run.current];
    fiber.waiting = why;
    switch_to(fiber.context, run.scheduler);
}

void entry() {
    run.launcher(run.arguments);
    yield(DONE);
    abort();
}

void barrier() { yield(AT_BARRIER); }

int vote_barrier(int value) {
    run.votes |= value != 0;
    yield(AT_BARRIER);
    return run.last_votes;
}

// Each lane leaves its value and reads another's once all have; two sets of slots, so that nobody overtakes by two.
unsigned long long exchange(unsigned mask, unsigned long long value, int source) {
    Fiber &fiber = run.fibers[run.current];
    Warp &warp = run.warps[run.current / WARP];
    unsigned turn = fiber.turn++ & 1;
    warp.slots[turn][run.current % WARP] = value;
    fiber.mask = mask;
    yield(IN_WARP);
    return warp.slots[turn][source];
}

unsigned ballot(unsigned mask, int value) {
    unsigned own = run.current % WARP;
    unsigned turn = run.fibers[run.current].turn & 1;
    exchange(mask, value != 0, own);
    unsigned result = 0;
    for (unsigned lane = 0; lane < WARP; lane++)
        if (mask >> lane & 1 && run.warps[run.current / WARP].slots[turn][lane]) result |= 1u << lane;
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

void resume(unsigned index) {
    run.current = index;
    run.state->thread = run.fibers[index].thread;
    run.fibers[index].waiting = RUNS;
    switch_to(run.scheduler, run.fibers[index].context);
}

// Lanes of a warp that all wait for each other go on together; those that have ended are not waited for.
bool warp_is_together(unsigned first, unsigned count) {
    unsigned waiting = 0, ended = 0, mask = 0;
    for (unsigned lane = 0; lane < count; lane++) {
        Fiber &fiber = run.fibers[first + lane];
        if (fiber.waiting == IN_WARP) { waiting |= 1u << lane; mask |= fiber.mask; }
        if (fiber.waiting == DONE) ended |= 1u << lane;
    }
    unsigned there = count == WARP ? 0xffffffffu : (1u << count) - 1;
    return waiting && ((mask & there) & ~(waiting | ended)) == 0;
}

void run_block(unsigned threads, bool backwards) {
    for (;;) {
        unsigned ended = 0, at_barrier = 0;
        bool moved = false;
        for (unsigned i = 0; i < threads; i += WARP) {
            unsigned first = backwards ? (threads - 1) / WARP * WARP - i : i;
            unsigned count = threads - first < WARP ? threads - first : WARP;
            bool again = true;
            while (again) {
                again = false;
                for (unsigned k = 0; k < count; k++) {
                    unsigned lane = backwards ? count - 1 - k : k;
                    if (run.fibers[first + lane].waiting == RUNS) { resume(first + lane); moved = true; }
                }
                if (warp_is_together(first, count)) {
                    for (unsigned lane = 0; lane < count; lane++)
                        if (run.fibers[first + lane].waiting == IN_WARP) run.fibers[first + lane].waiting = RUNS;
                    again = true;
                }
            }
            for (unsigned lane = 0; lane < count; lane++) {
                ended += run.fibers[first + lane].waiting == DONE;
                at_barrier += run.fibers[first + lane].waiting == AT_BARRIER;
            }
        }
        if (ended == threads) return;
        if (ended + at_barrier == threads) {
            run.last_votes = run.votes;
            run.votes = 0;
            for (Fiber &fiber : run.fibers)
                if (fiber.waiting == AT_BARRIER) fiber.waiting = RUNS;
        } else if (!moved) {
            fail("threads of a block wait for each other for ever: a barrier or shuffle that not all reach");
        }
    }
}
}

int emu::run_kernel(void (*launcher)(void **), void **arguments, void *state_of_module, Dim grid, Dim block,
                    unsigned shared_bytes, bool backwards, std::string &message) {
    unsigned threads = block.x * block.y * block.z;
    if (!stacks)
        stacks = (char *) mmap(nullptr, 1024 * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
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
    state.fail = fail;
    *(EmuState **) state_of_module = &state;
    run.state = &state;
    run.launcher = launcher;
    run.arguments = arguments;
    run.fibers.resize(threads);
    run.warps.resize((threads + WARP - 1) / WARP);
    in_kernel = true;
    int error = sigsetjmp(escape, 1);
    if (error == 0) {
        unsigned long long blocks = (unsigned long long) grid.x * grid.y * grid.z;
        for (unsigned long long n = 0; n < blocks; n++) {
            unsigned long long b = backwards ? blocks - 1 - n : n;
            state.block = {(unsigned) (b % grid.x), (unsigned) (b / grid.x % grid.y), (unsigned) (b / grid.x / grid.y)};
            memset(state.shared, 0xff, shared_bytes);
            for (unsigned i = 0; i < threads; i++) {
                Fiber &fiber = run.fibers[i];
                fiber.thread = {i % block.x, i / block.x % block.y, i / block.x / block.y};
                fiber.waiting = RUNS;
                fiber.turn = 0;
                prepare(fiber.context, stacks + i * STACK, entry);
            }
            run.votes = 0;
            run_block(threads, backwards);
        }
    } else {
        message = failure;
    }
    in_kernel = false;
    return error;
}

package dev.spandrel.engine.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** What is ahead of what is in use is there, as the system says, and what is further is not. */
@EnabledOnOs(OS.LINUX)
class KvPagesTest {
    private static final long PAGE = 4096;
    private static final long HUGE_PAGE = 2L << 20;
    private static final long SIZE = 16 * HUGE_PAGE;

    private final Arena arena = Arena.ofShared();
    private final LargeMemory memory = new LargeMemory(arena);

    @AfterEach
    void close() {
        arena.close();
    }

    @Test
    void populatingKeepsWhatIsThere() {
        MemorySegment part = memory.allocate(SIZE);
        part.set(ValueLayout.JAVA_INT, 5 * PAGE + 8, 7);
        assertThat(LargeMemory.populate(part.asSlice(5 * PAGE + 8, HUGE_PAGE))).isTrue();
        assertThat(part.get(ValueLayout.JAVA_INT, 5 * PAGE + 8)).isEqualTo(7);
        assertThat(part.get(ValueLayout.JAVA_INT, 6 * PAGE)).isZero();
        assertThat(isThere(part, 5 * PAGE + HUGE_PAGE)).isTrue();
    }

    @Test
    void pagesComeAheadOfUse() {
        MemorySegment part = memory.allocate(SIZE);
        try (KvPages pages = new KvPages()) {
            KvPages.Part looked = pages.add(part);
            await(part, HUGE_PAGE - PAGE);
            assertThat(isThere(part, 8 * HUGE_PAGE)).isFalse();
            pages.want(looked, 8 * HUGE_PAGE);
            await(part, 9 * HUGE_PAGE - PAGE);
            assertThat(isThere(part, 12 * HUGE_PAGE)).isFalse();
            pages.want(looked, SIZE);
            await(part, SIZE - PAGE);
        }
    }

    /** Memory may go once it is closed. */
    @Test
    void closingEndsTheThread() {
        KvPages pages = new KvPages();
        KvPages.Part part = pages.add(memory.allocate(SIZE));
        pages.want(part, SIZE);
        pages.close();
        pages.close();
        assertThat(Thread.getAllStackTraces().keySet()).noneMatch(thread -> thread == pages.thread());
    }

    private void await(MemorySegment part, long at) {
        assertTimeoutPreemptively(Duration.ofSeconds(60), () -> {
            while (!isThere(part, at)) {
                Thread.onSpinWait();
            }
        });
    }

    /** mincore(2): whether a page is in memory. */
    @SuppressWarnings("restricted") // A question to the system.
    private boolean isThere(MemorySegment part, long at) {
        Linker linker = Linker.nativeLinker();
        MethodHandle mincore = linker.downcallHandle(
                linker.defaultLookup().findOrThrow("mincore"),
                FunctionDescriptor.of(
                        ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS));
        try (Arena one = Arena.ofConfined()) {
            MemorySegment answer = one.allocate(1);
            long page = (part.address() + at) / PAGE * PAGE;
            assertThat((int) mincore.invokeExact(page, PAGE, answer)).isZero();
            return (answer.get(ValueLayout.JAVA_BYTE, 0) & 1) != 0;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }
}

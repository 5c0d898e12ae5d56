package dev.spandrel.sidecar.journal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.time.Ticker;
import org.junit.jupiter.api.Test;

class MemoryJournalTest extends JournalContract {
    @Override
    Journal open(long maxBytes) {
        return new MemoryJournal(Signal.TRACES, new JournalBudget(maxBytes), Overflow.REFUSE, Ticker.SYSTEM);
    }

    @Test
    void nothingIsGivenUpForWhatWouldFindNoRoomAllTheSame() throws Exception {
        JournalBudget budget = new JournalBudget(200_000);
        try (Journal journal = new MemoryJournal(Signal.TRACES, budget, Overflow.EVICT_OLDEST, Ticker.SYSTEM)) {
            journal.append(new byte[10_000], 1).get();
            assertThat(journal.append(new byte[200_000], 1)).isCompletedExceptionally();
            assertThat(journal.evictedItems()).isZero();
            assertThat(journal.append(new byte[(int) budget.mostOfOne() - 1000], 1))
                    .isCompleted();
            assertThat(journal.evictedItems()).isEqualTo(1);
        }
    }
}

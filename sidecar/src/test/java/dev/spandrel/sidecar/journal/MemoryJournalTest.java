package dev.spandrel.sidecar.journal;

import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.time.Ticker;

class MemoryJournalTest extends JournalContract {
    @Override
    Journal open(long maxBytes) {
        return new MemoryJournal(Signal.TRACES, new JournalBudget(maxBytes), Overflow.REFUSE, Ticker.SYSTEM);
    }
}

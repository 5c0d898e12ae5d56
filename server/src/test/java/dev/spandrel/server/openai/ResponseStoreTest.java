package dev.spandrel.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ResponseStoreTest {
    private final AtomicLong clock = new AtomicLong();
    private final ResponseStore store = new ResponseStore(clock::get);

    private void put(String id, int bytes) {
        store.put(id, new ResponseStore.Stored(new byte[bytes], List.of(), null));
    }

    @Test
    void answersAreForgottenAfterAnHour() {
        put("a", 1);
        clock.addAndGet(Duration.ofMinutes(60).toNanos());
        assertThat(store.get("a")).isPresent();
        clock.addAndGet(1);
        assertThat(store.get("a")).isEmpty();
    }

    @Test
    void theOldestMakeRoom() {
        put("a", 30 << 20);
        put("b", 30 << 20);
        put("c", 30 << 20);
        assertThat(store.get("a")).isEmpty();
        assertThat(store.get("b")).isPresent();
        put("b", 1);
        put("d", 30 << 20);
        assertThat(store.get("c")).isPresent();
        for (int i = 0; i < 5000; i++) {
            put("x" + i, 1);
        }
        assertThat(store.get("d")).isEmpty();
        assertThat(store.get("x4999")).isPresent();
    }
}

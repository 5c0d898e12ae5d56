package dev.spandrel.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.TestServer;
import java.io.UncheckedIOException;
import java.net.http.HttpResponse;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Bodies made of fields of the API and arbitrary values: no answer is a fault of ours. */
class RandomBodyTest {
    /** Three thousand in every build; bench/server/random-bodies.sh sends a million. */
    private static final int BODIES = Integer.getInteger("spandrel.test.bodies", 3000);

    @Test
    void noAnswerIsAServerError() {
        long seed = Long.getLong("spandrel.test.seed", System.nanoTime());
        Random random = new Random(seed);
        // Patient: a thread that a busy machine leaves in the middle of a write has no client that does not read.
        try (TestServer server = TestServer.patient(new ScriptedEngine(), (_, _) -> {})) {
            for (int i = 0; i < BODIES; i++) {
                String path = RandomBodies.PATHS.get(random.nextInt(RandomBodies.PATHS.size()));
                String body = RandomBodies.body(random, path);
                HttpResponse<String> response;
                try {
                    response = server.post(path, body);
                } catch (UncheckedIOException e) {
                    throw new AssertionError(
                            "-Dspandrel.test.seed=%d, body %d to %s had no answer: %s".formatted(seed, i, path, body),
                            e);
                }
                assertThat(response.statusCode())
                        .as("-Dspandrel.test.seed=%d, body %d to %s: %s%n%s", seed, i, path, body, response.body())
                        .isIn(200, 400, 404);
                assertThat(server.engine().leftOpen())
                        .as("generations left open by body %d", i)
                        .isZero();
            }
        }
    }
}

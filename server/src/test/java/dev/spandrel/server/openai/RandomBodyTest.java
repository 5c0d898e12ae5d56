package dev.spandrel.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.TestServer;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Bodies made of fields of the API and arbitrary values: no answer is a fault of ours. */
class RandomBodyTest {
    /** Three thousand in every build; bench/server/random-bodies.sh sends a million. */
    private static final int BODIES = Integer.getInteger("spandrel.test.bodies", 3000);

    private static final List<String> FIELDS = List.of(
            "model",
            "prompt",
            "messages",
            "max_tokens",
            "max_completion_tokens",
            "temperature",
            "top_p",
            "top_k",
            "seed",
            "n",
            "stop",
            "ignore_eos",
            "stream",
            "stream_options",
            "echo",
            "logprobs",
            "logit_bias",
            "use_beam_search",
            "min_p",
            "tools",
            "response_format",
            "request_id",
            "priority",
            "user",
            "made_up");

    @Test
    void noAnswerIsAServerError() {
        long seed = Long.getLong("spandrel.test.seed", System.nanoTime());
        Random random = new Random(seed);
        try (TestServer server = TestServer.start(new ScriptedEngine())) {
            for (int i = 0; i < BODIES; i++) {
                String path = random.nextBoolean() ? "/v1/completions" : "/v1/chat/completions";
                String body = body(random, path);
                HttpResponse<String> response = server.post(path, body);
                assertThat(response.statusCode())
                        .as("-Dspandrel.test.seed=%d, body %d: %s%n%s", seed, i, body, response.body())
                        .isIn(200, 400, 404);
                assertThat(server.engine().leftOpen())
                        .as("generations left open by body %d", i)
                        .isZero();
            }
        }
    }

    private static String body(Random random, String path) {
        List<String> fields = new ArrayList<>();
        if (random.nextInt(4) > 0) {
            fields.add(
                    path.contains("chat")
                            ? "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]"
                            : "\"prompt\":\"x\"");
        }
        int count = random.nextInt(4);
        for (int i = 0; i < count; i++) {
            String name = FIELDS.get(random.nextInt(FIELDS.size()));
            fields.add("\"" + name + "\":" + value(random, 3));
        }
        String body = "{" + String.join(",", fields) + "}";
        // Now and then a byte goes missing.
        int cut = random.nextInt(body.length());
        return random.nextInt(20) == 0 ? body.substring(0, cut) + body.substring(cut + 1) : body;
    }

    private static String value(Random random, int depth) {
        return switch (random.nextInt(depth > 0 ? 14 : 11)) {
            case 0 -> "null";
            case 1 -> "true";
            case 2 -> "false";
            case 3 -> String.valueOf(random.nextInt(40) - 4);
            case 4 -> String.valueOf(random.nextLong());
            case 5 -> String.valueOf(random.nextDouble() * 3 - 0.5);
            case 6 -> "1e" + random.nextInt(500);
            case 7 -> "\"\"";
            case 8 -> "\"x y\"";
            case 9 -> "\"" + random.nextInt(9) + "\"";
            case 10 -> "-0.0";
            case 11 -> "[" + value(random, depth - 1) + "]";
            case 12 -> "[" + value(random, depth - 1) + "," + value(random, depth - 1) + "]";
            default -> "{\"type\":" + value(random, depth - 1) + ",\"role\":" + value(random, depth - 1) + "}";
        };
    }
}

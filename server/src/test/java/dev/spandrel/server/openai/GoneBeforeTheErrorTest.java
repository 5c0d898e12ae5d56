package dev.spandrel.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.EngineException;
import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.TestServer;
import dev.spandrel.server.Waiting;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;

/** A client that leaves before its refusal is written is no news: a thousand of them must not fill the log with stacks. */
class GoneBeforeTheErrorTest {
    private static final int CLIENTS = 50;

    private final List<String> logged = new CopyOnWriteArrayList<>();
    private final Handler listener = new Handler() {
        @Override
        public void publish(LogRecord entry) {
            if (entry.getLevel().intValue() >= Level.WARNING.intValue()) {
                logged.add(entry.getLoggerName() + ": " + entry.getMessage());
            }
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };

    @Test
    void nothingIsLogged() throws IOException {
        Logger root = Logger.getLogger("io.helidon");
        root.addHandler(listener);
        CountDownLatch arrived = new CountDownLatch(CLIENTS);
        CountDownLatch go = new CountDownLatch(1);
        ScriptedEngine engine = new ScriptedEngine().script(_ -> {
            arrived.countDown();
            Waiting.on(go, "leave to refuse");
            throw new EngineException.Rejected("The waiting queue is full", Duration.ofSeconds(1));
        });
        try (TestServer server = TestServer.start(engine)) {
            for (int i = 0; i < CLIENTS; i++) {
                Socket socket = server.connect();
                socket.getOutputStream()
                        .write(
                                "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 14\r\n\r\n{\"prompt\":\"a\"}"
                                        .getBytes(StandardCharsets.US_ASCII));
                Waiting.until(() -> arrived.getCount() <= CLIENTS - 1, "the request");
                socket.setSoLinger(true, 0);
                socket.close();
            }
            Waiting.on(arrived, "all requests");
            go.countDown();
            Waiting.until(() -> server.get("/load").body().equals("{\"server_load\":0}"), "nothing under way");
            assertThat(logged).isEmpty();
        } finally {
            go.countDown();
            root.removeHandler(listener);
        }
    }
}

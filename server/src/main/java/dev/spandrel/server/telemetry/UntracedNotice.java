package dev.spandrel.server.telemetry;

import dev.spandrel.server.openai.EndedGeneration;
import dev.spandrel.server.openai.GenerationListener;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.ServerRequest;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/** Says once, where tracing is off, that a client sends trace context nobody follows; as vLLM does. */
public final class UntracedNotice implements GenerationListener {
    private static final System.Logger LOGGER = System.getLogger(UntracedNotice.class.getName());
    private static final HeaderName TRACEPARENT = HeaderNames.create("traceparent");

    private final AtomicBoolean said = new AtomicBoolean();

    @Override
    public void onEnd(ServerRequest request, List<EndedGeneration> generations) {
        if (request.headers().contains(TRACEPARENT) && said.compareAndSet(false, true)) {
            LOGGER.log(
                    Level.WARNING,
                    "a request carries a traceparent, but tracing is off; --otlp-traces-endpoint turns it on");
        }
    }
}

import dev.spandrel.engine.EngineConfig;
import dev.spandrel.server.ListenerSettings;
import dev.spandrel.server.ServerConfig;
import dev.spandrel.server.SpandrelServer;
import dev.spandrel.server.openai.ApiSettings;
import dev.spandrel.server.telemetry.OtlpSettings;
import dev.spandrel.server.telemetry.TraceSettings;
import java.time.Duration;

/** The real server over {@link InstantEngine}; prints its port and runs until it is stopped. */
public final class OverheadServer {
    public static void main(String[] args) throws Exception {
        ServerConfig config = new ServerConfig(
                EngineConfig.of("instant").build(),
                ApiSettings.DEFAULT,
                "127.0.0.1",
                0,
                OtlpSettings.resolve(null, OtlpSettings::processEnvironment),
                true,
                TraceSettings.DEFAULT,
                0,
                ListenerSettings.DEFAULT,
                Duration.ZERO,
                Duration.ofSeconds(30),
                "bench");
        try (SpandrelServer server = SpandrelServer.start(config, _ -> new InstantEngine())) {
            System.out.println(server.port() + " " + ProcessHandle.current().pid());
            server.awaitStop();
        }
    }
}

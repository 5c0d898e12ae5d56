package dev.spandrel.sidecar.otlp;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.Durations;
import com.google.rpc.RetryInfo;
import com.google.rpc.Status;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Held against Google's own classes. */
class RpcStatusTest {
    private static final RpcStatus STATUS =
            new RpcStatus(14, "später \"wieder\"", Optional.of(Duration.ofMillis(1500)));

    @Test
    void theOfficialClassesReadWhatWeWrite() throws InvalidProtocolBufferException {
        Status read = Status.parseFrom(STATUS.toProtobuf());
        assertThat(read.getCode()).isEqualTo(14);
        assertThat(read.getMessage()).isEqualTo(STATUS.message());
        RetryInfo info = read.getDetails(0).unpack(RetryInfo.class);
        assertThat(Durations.toMillis(info.getRetryDelay())).isEqualTo(1500);
    }

    @Test
    void weReadWhatTheOfficialClassesWrite() {
        Status written = Status.newBuilder()
                .setCode(8)
                .setMessage("slow down")
                .addDetails(Any.pack(Status.getDefaultInstance()))
                .addDetails(Any.pack(RetryInfo.newBuilder()
                        .setRetryDelay(Durations.fromMillis(2250))
                        .build()))
                .build();
        assertThat(RpcStatus.fromProtobuf(written.toByteArray()))
                .isEqualTo(new RpcStatus(8, "slow down", Optional.of(Duration.ofMillis(2250))));
    }

    @Test
    void garbageIsAnUnknownStatus() {
        assertThat(RpcStatus.fromProtobuf(new byte[] {-1, -1, -1})).isEqualTo(new RpcStatus(2, ""));
    }

    @Test
    void jsonIsEscaped() {
        assertThat(new String(new RpcStatus(3, "a\"b\\c\nd").toJson(), StandardCharsets.UTF_8))
                .isEqualTo("{\"code\":3,\"message\":\"a\\\"b\\\\c\\u000ad\"}");
        assertThat(new String(STATUS.toJson(), StandardCharsets.UTF_8)).contains("\"retryDelay\":\"1.500s\"");
    }
}

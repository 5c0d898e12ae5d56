package dev.spandrel.sidecar.transport;

import io.grpc.netty.shaded.io.netty.buffer.Unpooled;
import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.ChannelFutureListener;
import io.grpc.netty.shaded.io.netty.channel.ChannelInitializer;
import io.grpc.netty.shaded.io.netty.channel.group.ChannelGroup;
import io.grpc.netty.shaded.io.netty.channel.group.DefaultChannelGroup;
import io.grpc.netty.shaded.io.netty.handler.codec.http.HttpServerCodec;
import io.grpc.netty.shaded.io.netty.handler.flow.FlowControlHandler;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/**
 * A port that speaks HTTP/1.1 in the clear, on the event loops that gRPC runs on. Connections over the limit are told to come
 * again and closed; senders that take too long are cut off.
 */
public final class HttpListener implements AutoCloseable {
    private static final int MOST_CONNECTIONS = 1024;
    private static final int LINE_BYTES = 4 << 10;
    private static final int HEADER_BYTES = 32 << 10;
    private static final int CHUNK_BYTES = 64 << 10;

    /** What a connection too many reads, whatever it was going to ask; it may be reset before it has. */
    private static final byte[] TOO_MANY = """
            HTTP/1.1 503 Service Unavailable\r
            Retry-After: 1\r
            Content-Length: 0\r
            Connection: close\r
            \r
            """.getBytes(StandardCharsets.US_ASCII);

    private final HttpTimes times;
    private final int mostConnections;
    private final ChannelGroup connections;
    private Channel server;
    private volatile boolean stopping;

    private HttpListener(HttpTimes times, int mostConnections, EventLoops loops) {
        this.times = times;
        this.mostConnections = mostConnections;
        this.connections = new DefaultChannelGroup(loops.executor(), true);
    }

    /** Listens; an address that is taken or not ours fails. The loops stay their owner's to close. */
    public static HttpListener start(InetSocketAddress address, HttpService service, HttpTimes times, EventLoops loops)
            throws IOException {
        return start(address, service, times, MOST_CONNECTIONS, loops);
    }

    /** As the other, with another limit. */
    static HttpListener start(
            InetSocketAddress address, HttpService service, HttpTimes times, int mostConnections, EventLoops loops)
            throws IOException {
        HttpListener listener = new HttpListener(times, mostConnections, loops);
        listener.server = loops.bind(address, listener.connections(service));
        return listener;
    }

    private ChannelInitializer<Channel> connections(HttpService service) {
        return new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                if (connections.size() >= mostConnections) {
                    channel.writeAndFlush(Unpooled.wrappedBuffer(TOO_MANY)).addListener(ChannelFutureListener.CLOSE);
                    return;
                }
                connections.add(channel);
                channel.pipeline()
                        .addLast(new HttpServerCodec(LINE_BYTES, HEADER_BYTES, CHUNK_BYTES))
                        .addLast(new FlowControlHandler())
                        .addLast(new HttpConnection(service, times, () -> stopping));
            }
        };
    }

    public int port() {
        return ((InetSocketAddress) server.localAddress()).getPort();
    }

    /** Takes no new requests, lets those under way finish within the grace period. Closing twice is harmless. */
    @Override
    public void close() {
        stopping = true;
        server.close().awaitUninterruptibly();
        connections.forEach(connection -> connection.pipeline().fireUserEventTriggered(HttpConnection.STOP));
        connections.newCloseFuture().awaitUninterruptibly(times.grace().toNanos(), TimeUnit.NANOSECONDS);
        connections.close().awaitUninterruptibly();
    }
}

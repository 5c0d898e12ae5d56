package dev.spandrel.sidecar.transport;

import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.bootstrap.ServerBootstrap;
import io.grpc.netty.shaded.io.netty.buffer.PooledByteBufAllocator;
import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.ChannelFuture;
import io.grpc.netty.shaded.io.netty.channel.ChannelInitializer;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.ServerChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.Epoll;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollServerSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.nio.NioIoHandler;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioServerSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioSocketChannel;
import io.grpc.netty.shaded.io.netty.handler.codec.http.HttpServerCodec;
import io.grpc.netty.shaded.io.netty.util.concurrent.DefaultThreadFactory;
import io.grpc.netty.shaded.io.netty.util.concurrent.EventExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/**
 * One group of event loops and one allocator for all connections of a sidecar, in and out: epoll where its native
 * library loads (Linux), the JDK's selector elsewhere. Closed by the sidecar after everything that uses it.
 */
public final class EventLoops implements AutoCloseable {
    /** Two keep one connection's decompression from holding up the others; more would only cost stacks and caches. */
    private static final int MOST_LOOPS = 2;

    private static final int PAGE_BYTES = 8 << 10;

    /** Chunks of 1 MiB: what gRPC asks for at most at once. The default of 2 to 4 MiB, times threads, is resident memory. */
    private static final int CHUNK_ORDER = 7;

    private final MultiThreadIoEventLoopGroup group;
    private final Class<? extends ServerChannel> serverType;
    private final Class<? extends Channel> clientType;
    private final PooledByteBufAllocator allocator =
            new PooledByteBufAllocator(true, 0, 1, PAGE_BYTES, CHUNK_ORDER, 0, 0, false);

    private EventLoops(boolean epoll) {
        int count = Math.min(MOST_LOOPS, Runtime.getRuntime().availableProcessors());
        group = new MultiThreadIoEventLoopGroup(
                count,
                new DefaultThreadFactory("grpc-loop", true),
                epoll ? EpollIoHandler.newFactory() : NioIoHandler.newFactory());
        serverType = epoll ? EpollServerSocketChannel.class : NioServerSocketChannel.class;
        clientType = epoll ? EpollSocketChannel.class : NioSocketChannel.class;
    }

    public static EventLoops open() {
        return new EventLoops(Epoll.isAvailable());
    }

    /** Loads and initializes what servers and clients are made of, to save the time later. */
    public static void preload() {
        try (EventLoops loops = open()) {
            loops.serve(NettyServerBuilder.forPort(0)).build();
            loops.connect(NettyChannelBuilder.forAddress("127.0.0.1", 1).usePlaintext())
                    .build()
                    .shutdownNow();
            new HttpServerCodec();
        }
    }

    /** A server that runs here. */
    public NettyServerBuilder serve(NettyServerBuilder builder) {
        return builder.channelType(serverType)
                .bossEventLoopGroup(group)
                .workerEventLoopGroup(group)
                .withOption(ChannelOption.ALLOCATOR, allocator)
                .withChildOption(ChannelOption.ALLOCATOR, allocator);
    }

    /** A client that runs here. */
    public NettyChannelBuilder connect(NettyChannelBuilder builder) {
        return builder.channelType(clientType).eventLoopGroup(group).withOption(ChannelOption.ALLOCATOR, allocator);
    }

    /** Listens for connections that the initializer makes something of; an address that is taken or not ours fails. */
    Channel bind(InetSocketAddress address, ChannelInitializer<Channel> connections) throws IOException {
        ChannelFuture bound = new ServerBootstrap()
                .group(group)
                .channel(serverType)
                .option(ChannelOption.ALLOCATOR, allocator)
                .childOption(ChannelOption.ALLOCATOR, allocator)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childHandler(connections)
                .bind(address)
                .awaitUninterruptibly();
        if (!bound.isSuccess()) {
            throw new IOException(bound.cause());
        }
        return bound.channel();
    }

    EventExecutor executor() {
        return group.next();
    }

    /** Does something again and again, on a loop: it must be short. */
    public ScheduledFuture<?> every(Duration pause, Runnable task) {
        return group.scheduleWithFixedDelay(task, pause.toNanos(), pause.toNanos(), TimeUnit.NANOSECONDS);
    }

    /** Ends the threads; closing twice is harmless. */
    @Override
    public void close() {
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }
}

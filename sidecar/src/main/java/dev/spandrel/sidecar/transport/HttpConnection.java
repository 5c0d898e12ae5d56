package dev.spandrel.sidecar.transport;

import io.grpc.netty.shaded.io.netty.buffer.Unpooled;
import io.grpc.netty.shaded.io.netty.channel.ChannelFuture;
import io.grpc.netty.shaded.io.netty.channel.ChannelFutureListener;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.SimpleChannelInboundHandler;
import io.grpc.netty.shaded.io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.grpc.netty.shaded.io.netty.handler.codec.http.HttpContent;
import io.grpc.netty.shaded.io.netty.handler.codec.http.HttpHeaderNames;
import io.grpc.netty.shaded.io.netty.handler.codec.http.HttpObject;
import io.grpc.netty.shaded.io.netty.handler.codec.http.HttpRequest;
import io.grpc.netty.shaded.io.netty.handler.codec.http.HttpResponseStatus;
import io.grpc.netty.shaded.io.netty.handler.codec.http.HttpUtil;
import io.grpc.netty.shaded.io.netty.handler.codec.http.HttpVersion;
import io.grpc.netty.shaded.io.netty.handler.codec.http.LastHttpContent;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * One connection of an {@link HttpListener}: a request after the other, each with its deadline. Used by its event loop
 * only. Reading stops while an answer is made, so that a sender cannot pile up requests.
 */
final class HttpConnection extends SimpleChannelInboundHandler<HttpObject> {
    private static final System.Logger LOG = System.getLogger(HttpConnection.class.getName());

    /** Tells a connection that the listener is closing. */
    static final Object STOP = new Object();

    /**
     * Closing with unread bytes resets the connection, which can destroy the answer on its way; so the rest of a refused
     * body is read and dropped, up to here.
     */
    private static final long MOST_DISCARDED = 8 << 20;

    private enum State {
        IDLE,
        BODY,
        ANSWERING,
        DISCARDING
    }

    private final HttpService service;
    private final HttpTimes times;
    private final BooleanSupplier stopping;
    private State state = State.IDLE;
    private HttpExchange exchange;
    private HttpVersion version = HttpVersion.HTTP_1_1;
    private boolean keepAlive;
    private long discarded;
    private ChannelFuture lastWrite;
    private Future<?> deadline;

    HttpConnection(HttpService service, HttpTimes times, BooleanSupplier stopping) {
        this.service = service;
        this.times = times;
        this.stopping = stopping;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        await(context, times.idle());
        context.fireChannelActive();
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, HttpObject message) {
        if (message.decoderResult().isFailure()) {
            malformed(context, message.decoderResult().cause().getMessage());
            return;
        }
        if (message instanceof HttpRequest request) {
            begin(context, request);
        }
        if (message instanceof HttpContent content) {
            body(context, content);
        }
    }

    private void begin(ChannelHandlerContext context, HttpRequest request) {
        version = request.protocolVersion();
        keepAlive = HttpUtil.isKeepAlive(request);
        await(context, times.request());
        boolean asks = HttpUtil.is100ContinueExpected(request);
        HttpHead head = new HttpHead(
                request.method().name(),
                path(request.uri()),
                HttpUtil.getContentLength(request, -1L),
                request.headers()::get);
        try {
            exchange = service.begin(head);
            state = State.BODY;
            if (asks) {
                context.writeAndFlush(new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE));
            }
        } catch (HttpRefusal e) {
            // whoever asked may send the body or not, so where the next request begins is not known
            keepAlive &= !asks && head.contentLength() <= MOST_DISCARDED;
            refuse(context, e.answer());
        }
    }

    private static String path(String uri) {
        String target = uri.startsWith("http://") ? uri.substring(Math.max(0, uri.indexOf('/', 7))) : uri;
        int query = target.indexOf('?');
        return query < 0 ? target : target.substring(0, query);
    }

    private void body(ChannelHandlerContext context, HttpContent content) {
        if (state == State.BODY && content.content().isReadable()) {
            try {
                exchange.body(content.content().nioBuffer());
            } catch (HttpRefusal e) {
                refuse(context, e.answer());
            }
        } else {
            discarded += content.content().readableBytes();
        }
        if (content instanceof LastHttpContent) {
            end(context);
        } else if (discarded > MOST_DISCARDED) {
            closeAfterAnswer(context);
        }
    }

    private void end(ChannelHandlerContext context) {
        cancelDeadline();
        if (state == State.DISCARDING) {
            next(context);
            return;
        }
        state = State.ANSWERING;
        context.channel().config().setAutoRead(false);
        exchange.end()
                .whenComplete(
                        (answer, failure) -> context.executor().execute(() -> answered(context, answer, failure)));
    }

    private void answered(ChannelHandlerContext context, HttpAnswer answer, Throwable failure) {
        if (failure != null) {
            LOG.log(Level.ERROR, "a request could not be answered", failure);
            context.close();
            return;
        }
        write(context, answer);
        closeExchange();
        next(context);
        context.channel().config().setAutoRead(true);
    }

    /** The next request, or the end. */
    private void next(ChannelHandlerContext context) {
        state = State.IDLE;
        if (keepAlive && !stopping.getAsBoolean()) {
            await(context, times.idle());
        } else {
            closeAfterAnswer(context);
        }
    }

    /** Answers at once and drops what is still to come of the request. */
    private void refuse(ChannelHandlerContext context, HttpAnswer answer) {
        state = State.DISCARDING;
        discarded = 0;
        write(context, answer);
        closeExchange();
    }

    private void malformed(ChannelHandlerContext context, String message) {
        if (state == State.IDLE || state == State.BODY) {
            keepAlive = false;
            write(context, state == State.IDLE ? service.malformed(message) : exchange.malformed(message));
            state = State.DISCARDING;
        }
        closeAfterAnswer(context);
    }

    private void write(ChannelHandlerContext context, HttpAnswer answer) {
        DefaultFullHttpResponse response = new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1,
                HttpResponseStatus.valueOf(answer.status()),
                Unpooled.wrappedBuffer(answer.body()));
        answer.headers().forEach(response.headers()::set);
        response.headers().set(HttpHeaderNames.CONTENT_LENGTH, answer.body().length);
        HttpUtil.setKeepAlive(response.headers(), version, keepAlive && !stopping.getAsBoolean());
        lastWrite = context.writeAndFlush(response);
    }

    private void closeAfterAnswer(ChannelHandlerContext context) {
        closeExchange();
        await(context, times.request());
        if (lastWrite == null) {
            context.close();
        } else {
            lastWrite.addListener(ChannelFutureListener.CLOSE);
        }
    }

    private void await(ChannelHandlerContext context, Duration time) {
        cancelDeadline();
        deadline = context.executor().schedule(() -> late(context), time.toNanos(), TimeUnit.NANOSECONDS);
    }

    private void cancelDeadline() {
        if (deadline != null) {
            deadline.cancel(false);
        }
    }

    private void late(ChannelHandlerContext context) {
        if (state == State.BODY) {
            keepAlive = false;
            write(context, exchange.tooSlow());
            state = State.DISCARDING;
            closeAfterAnswer(context);
        } else {
            // one that takes no answer either is not waited for
            context.close();
        }
    }

    private void closeExchange() {
        if (exchange != null) {
            exchange.close();
            exchange = null;
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event == STOP && state == State.IDLE) {
            closeAfterAnswer(context);
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        cancelDeadline();
        closeExchange();
        context.fireChannelInactive();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable failure) {
        if (!(failure instanceof IOException)) {
            LOG.log(Level.ERROR, "a connection is given up", failure);
        }
        context.close();
    }
}

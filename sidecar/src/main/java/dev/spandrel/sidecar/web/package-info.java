/**
 * How Helidon's web server is opened for the trace page; the receiver and the admin pages, which are always there, run on
 * netty (docs/decisions/0130). It knows only Helidon. Start reading at {@link dev.spandrel.sidecar.web.WebListener}.
 */
package dev.spandrel.sidecar.web;

/**
 * The sidecar as a whole: {@link dev.spandrel.sidecar.Sidecar} wires receivers, journals, lanes and the admin page back
 * to front and stops them front to back. Only this package knows all the others; none of them knows it. Start reading
 * at {@link dev.spandrel.sidecar.Sidecar#start}.
 */
package dev.spandrel.sidecar;

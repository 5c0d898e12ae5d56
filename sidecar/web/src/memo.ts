import { Component, h, type ComponentType, type FunctionComponent } from 'preact';

/** A component that is drawn again only where `same` says that its properties differ. */
export function memo<P extends object>(inner: FunctionComponent<P>, same: (a: P, b: P) => boolean): ComponentType<P> {
  return class extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      return !same(this.props as P, next);
    }
    override render() {
      return h(inner, this.props as P);
    }
  };
}

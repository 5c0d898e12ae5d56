import { render } from 'preact';
import { App } from './app';
import './style/base.css';
import './style/list.css';
import './style/strip.css';
import './style/trace.css';
import './style/phases.css';

const root = document.getElementById('app')!;
root.replaceChildren();
render(<App />, root);

/**
 * What panels, pages and outputs are drawn with, and its styles: fetched with the first of them.
 */
import '../../style/tokens.css';
import '../../style/frame.css';
import '../../style/controls.css';
import '../../style/cards.css';
import '../../style/charts.css';
import '../../style/forms.css';

export { Loading } from '../components/card';
export { Frame } from '../components/frame';
export { Later } from '../components/later';
export { showKeys } from '../components/keyhelp';
export { Page } from './pagebody';
export { Panel } from './panelbody';
export { Quick } from './quickbody';

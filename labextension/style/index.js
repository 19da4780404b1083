import './tokens.css';
import './frame.css';
import './controls.css';
import './cards.css';
import './charts.css';
import './pages.css';
import './pipelines.css';

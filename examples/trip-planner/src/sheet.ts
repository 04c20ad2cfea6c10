/** The look that every page has. */
import '@fontsource-variable/ysabeau-office/wght.css';
import '@fontsource-variable/ysabeau-office/wght-italic.css';
import './theme.css';

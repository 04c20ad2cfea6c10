// Day or night as somebody chose by hand, before the first paint. A file of its own: the page's policy allows no script inside it.
// Without it the sheet would be white until the page's own script has come.
(() => {
  let theme = null;
  try {
    theme = localStorage.getItem('trip-planner.theme');
  } catch {
    // A browser that forbids storage: the system's wish counts.
  }
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
})();

// The formulas first, then the slides: what is measured to fit the screen is then what is seen.
const WIDTH = 1280, HEIGHT = 720, SMALLEST = 0.6;

window.MathJax = {
  tex: { inlineMath: [["$", "$"], ["\\(", "\\)"]], processEscapes: true },
  svg: { fontCache: "global" },
  options: { enableMenu: false },
  startup: { pageReady: () => MathJax.startup.defaultPageReady().then(start) },
};

function start() {
  Reveal.on("ready", (event) => fit(event.currentSlide));
  Reveal.on("slidechanged", (event) => fit(event.currentSlide));
  Reveal.initialize({
    width: WIDTH, height: HEIGHT, margin: 0.05, center: false, hash: true, slideNumber: "c/t", transition: "none",
    plugins: [RevealNotes],
  });
}

// A slide that is too high, or holds code or a formula that is too wide, is made smaller, down to SMALLEST; what is still
// too large scrolls.
function fit(slide) {
  const parts = [...slide.querySelectorAll(".highlight, mjx-container[display='true']")];
  const tooLarge = (zoom) => slide.scrollHeight * zoom > HEIGHT || parts.some((part) => part.scrollWidth > part.clientWidth + 1);
  let zoom = 1;
  slide.style.zoom = zoom;
  while (tooLarge(zoom) && zoom > SMALLEST) {
    zoom = Math.max(SMALLEST, zoom - 0.05);
    slide.style.zoom = zoom;
  }
  slide.classList.toggle("scrolls", slide.scrollHeight * zoom > HEIGHT + 1);
}

// The formulas first, then the slides: what is measured to fit the screen is then what is seen.
const WIDTH = 1280, HEIGHT = 720, SMALLEST = 0.6, SMALL = 0.85;
const ROOM = HEIGHT - 16;          // above the number of the slide

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

// Code or a formula that is too wide is set smaller. A slide that is too high is made smaller as a whole; if that would
// be much, the code of its figures goes (the notebook has it). What is too high even at SMALLEST scrolls.
function fit(slide) {
  slide.classList.remove("figures-only", "scrolls");
  let zoom = shrink(slide);
  if (zoom < SMALL) {
    slide.classList.add("figures-only");
    zoom = shrink(slide);
  }
  slide.classList.toggle("scrolls", slide.scrollHeight * zoom > HEIGHT);
}

function shrink(slide) {
  for (let zoom = 1; ; zoom -= 0.05) {
    slide.style.zoom = zoom;
    slide.querySelectorAll(".highlight pre, mjx-container[display='true']").forEach(narrow);
    if (slide.scrollHeight * zoom <= ROOM || zoom < SMALLEST + 0.01) return zoom;
  }
}

function narrow(part) {
  part.style.fontSize = "";
  const frame = part.closest(".highlight") || part;
  const ratio = Math.max(SMALLEST, frame.clientWidth / frame.scrollWidth);
  if (ratio < 1) part.style.fontSize = `${ratio * parseFloat(getComputedStyle(part).fontSize) - 0.1}px`;
}

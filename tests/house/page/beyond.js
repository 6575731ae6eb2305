// What is wider than its card, with the longest numbers where a kilowatt-hour is added up: a list of what it is and says.
const numbers = [...document.querySelectorAll("#worth .number")], shown = numbers.map((number) => number.textContent);
numbers.forEach((number) => { number.textContent = "−0.888"; });
const beyond = (element) => {
  const card = element.closest(".card").getBoundingClientRect(), box = element.getBoundingClientRect();
  const inner = parseFloat(getComputedStyle(element.closest(".card")).paddingRight);
  return box.width > 0 && box.right > card.right - inner + 1;
};
const found = [...document.querySelectorAll("#worth .number, #worth .label, #earnings *, #chart .slot *, #review *, .hero *")]
  .filter((element) => !element.closest(".sr, [hidden], svg, .scroll") && !element.matches(".sr") && beyond(element))
  .map((element) => `${element.className || element.tagName}: ${element.textContent.slice(0, 40)}`);
numbers.forEach((number, index) => { number.textContent = shown[index]; });
return found;

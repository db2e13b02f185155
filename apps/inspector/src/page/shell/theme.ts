import { remember, remembered } from "./remembered.ts";

/** The theme of the system, until the button chooses one; the choice is kept. */
export function themeButton(button: HTMLButtonElement, onChange: () => void): void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const kept = remembered("theme");
  if (kept === "dark" || kept === "light") root.dataset["theme"] = kept;
  const isDark = (): boolean =>
    root.dataset["theme"] === undefined ? system.matches : root.dataset["theme"] === "dark";
  const show = (): void => {
    const other = isDark() ? "light" : "dark";
    button.textContent = other === "dark" ? "Dark" : "Light";
    button.setAttribute("aria-label", `Use the ${other} theme`);
    onChange();
  };
  button.addEventListener("click", () => {
    root.dataset["theme"] = isDark() ? "light" : "dark";
    remember("theme", root.dataset["theme"]);
    show();
  });
  system.addEventListener("change", show);
  show();
}

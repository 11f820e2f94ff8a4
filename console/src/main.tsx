import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "./style.css";
import { startReading } from "./app/cache";
import { Console } from "./app/console";
import { markStyles } from "./app/nonce";
import { languageOf, preferences } from "./app/preferences";
import { startWords } from "./words";

markStyles();
startWords(languageOf(preferences()));
startReading();

const place = document.getElementById("root");
if (place === null) throw new Error("index.html has no place for the console");
createRoot(place).render(
  <StrictMode>
    <Console />
  </StrictMode>,
);

// The text editor of a draft: CodeMirror in a shadow root, where it may bring its own styles.
import * as cm from "../../vendor/codemirror/editor.mjs";
import { completionsAt } from "./completion.js";

const { EditorView, EditorState, tags } = cm;

const theme = EditorView.theme({
  "&": { height: "100%", color: "var(--text)", backgroundColor: "var(--surface)", fontSize: "var(--size-s)" },
  "&.cm-focused": { outline: "3px solid var(--accent)", outlineOffset: "-3px" },
  ".cm-scroller": { fontFamily: "var(--font-mono)", fontVariantLigatures: "none", lineHeight: "1.6" },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--sunken)", color: "var(--muted)", border: "0" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--accent-soft) 45%, transparent)" },
  ".cm-activeLineGutter": { backgroundColor: "var(--accent-soft)", color: "var(--accent-strong)" },
  ".cm-selectionMatch": { backgroundColor: "var(--accent-soft)" },
  ".cm-matchingBracket": { backgroundColor: "var(--accent-soft)", outline: "1px solid var(--accent)" },
  ".cm-tooltip": { backgroundColor: "var(--raised)", color: "var(--text)", border: "1px solid var(--line-strong)", borderRadius: "var(--radius-s)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "0.2rem 0.5rem", fontFamily: "var(--font-mono)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--on-accent)" },
  ".cm-completionInfo": { maxWidth: "22rem", fontFamily: "var(--font-text)" },
  ".cm-completionDetail": { fontStyle: "normal", opacity: "0.85" },
  ".cm-panels": { backgroundColor: "var(--sunken)", color: "var(--text)" },
  ".cm-panels input, .cm-panels button": { fontSize: "var(--size-s)", color: "var(--text)", backgroundColor: "var(--surface)", backgroundImage: "none", border: "1px solid var(--line-strong)", borderRadius: "var(--radius-s)" },
  ".cm-diagnostic": { fontFamily: "var(--font-text)", maxWidth: "34rem" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--danger)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--warn)" },
});

const colours = cm.HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--accent)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--met)" },
  { tag: [tags.comment, tags.lineComment], color: "var(--muted)", fontStyle: "italic" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: "var(--tutor)" },
  { tag: [tags.separator, tags.punctuation, tags.squareBracket, tags.brace], color: "var(--muted)" },
  { tag: tags.invalid, color: "var(--danger)" },
]);

/**
 * Puts an editor into an element.
 * @param {HTMLElement} place Where it goes.
 * @param {{changed: (text: string) => void, schema: () => object | null, images: () => object[]}}
 *   asked What is told of changes, and what completes.
 */
export function makeEditor(place, asked) {
  const root = place.attachShadow({ mode: "open" });
  const view = new EditorView({ root, parent: root });
  let quiet = false;

  const telling = EditorView.updateListener.of((update) => {
    if (update.docChanged && !quiet) asked.changed(update.state.doc.toString());
  });

  function completing(context) {
    const schema = asked.schema();
    if (!schema) return null;
    const word = context.matchBefore(/[\w.-]*/);
    if (!context.explicit && word.from === word.to) return null;
    const options = completionsAt(schema, context.state.doc.toString(), word.from, asked.images());
    return options.length ? { from: word.from, options, validFor: /^[\w.-]*$/ } : null;
  }

  function extensions(path, readOnly) {
    const isYaml = /\.ya?ml$/.test(path);
    return [
      cm.lineNumbers(),
      cm.highlightActiveLine(),
      cm.highlightActiveLineGutter(),
      // What cannot be seen, such as text that turns around, is shown as what it is.
      cm.highlightSpecialChars(),
      cm.history(),
      cm.bracketMatching(),
      cm.highlightSelectionMatches(),
      cm.lintGutter(),
      cm.indentUnit.of("  "),
      EditorView.lineWrapping,
      EditorState.readOnly.of(readOnly),
      isYaml ? [cm.yaml(), cm.autocompletion({ override: path === "scenario.yaml" ? [completing] : [] })] : [],
      cm.syntaxHighlighting(colours),
      theme,
      telling,
      EditorView.contentAttributes.of({
        "aria-label": `Text of ${path}. Escape, then Tab, leaves the editor.`,
        "aria-readonly": String(readOnly),
        tabindex: "0",
      }),
      cm.keymap.of([
        ...cm.completionKeymap,
        ...cm.lintKeymap,
        ...cm.searchKeymap,
        ...cm.historyKeymap,
        ...cm.defaultKeymap,
        cm.indentWithTab,
      ]),
    ];
  }

  return {
    open(path, text, readOnly) {
      view.setState(EditorState.create({ doc: text, extensions: extensions(path, readOnly) }));
    },
    text: () => view.state.doc.toString(),
    /** Replaces what differs, so that the cursor stays where it can. */
    replace(text) {
      quiet = true;
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
      quiet = false;
    },
    goTo(line) {
      const at = view.state.doc.line(Math.min(Math.max(1, line), view.state.doc.lines));
      view.dispatch({ selection: { anchor: at.from }, effects: EditorView.scrollIntoView(at.from, { y: "center" }) });
      view.focus();
    },
    tell(problems) {
      const doc = view.state.doc;
      const diagnostics = problems.map(({ line, severity, message }) => {
        const at = doc.line(Math.min(Math.max(1, line), doc.lines));
        const indent = at.text.length - at.text.trimStart().length;
        return { from: Math.min(at.from + indent, at.to), to: at.to, severity, message };
      });
      view.dispatch(cm.setDiagnostics(view.state, diagnostics));
    },
    focus: () => view.focus(),
  };
}

import react from "@vitejs/plugin-react";

// An object, and not only the address: with that, Vite would change the Host header, which the API
// compares with Origin.
const proxy = { "/api": { target: process.env.API ?? "http://127.0.0.1:8000" } };

export default { plugins: [react()], server: { proxy }, preview: { proxy } };

/* Sends the form with a file by itself, to show how far it is and to let it be cancelled.
   "form": the whole form, through the site. "direct": the file goes straight to the storage; the
   site is told before and afterwards. Nothing is loaded from elsewhere, and nothing is inline. */
(() => {
  "use strict";

  const SLICE = 4 * 1024 * 1024;

  /* SHA-256 (FIPS 180-4) of what comes in pieces: crypto.subtle wants the whole file in memory. */
  class Sha256 {
    static K = (() => {
      const words = [];
      const fraction = (x) => ((x - Math.floor(x)) * 4294967296) | 0;
      for (let n = 2; words.length < 64; n += 1) {
        let prime = true;
        for (let d = 2; d * d <= n; d += 1) if (n % d === 0) prime = false;
        if (prime) words.push([fraction(Math.cbrt(n)), fraction(Math.sqrt(n))]);
      }
      return words;
    })();

    constructor() {
      this.k = Int32Array.from(Sha256.K, (pair) => pair[0]);
      this.state = Int32Array.from(Sha256.K.slice(0, 8), (pair) => pair[1]);
      this.w = new Int32Array(64);
      this.rest = new Uint8Array(64);
      this.held = 0;
      this.length = 0;
    }

    update(bytes) {
      this.length += bytes.length;
      let at = 0;
      if (this.held) {
        at = Math.min(64 - this.held, bytes.length);
        this.rest.set(bytes.subarray(0, at), this.held);
        this.held += at;
        if (this.held < 64) return this;
        this.block(new DataView(this.rest.buffer), 0);
        this.held = 0;
      }
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      for (; at + 64 <= bytes.length; at += 64) this.block(view, at);
      this.rest.set(bytes.subarray(at));
      this.held = bytes.length - at;
      return this;
    }

    block(view, at) {
      const { k, state, w } = this;
      for (let i = 0; i < 16; i += 1) w[i] = view.getInt32(at + 4 * i);
      for (let i = 16; i < 64; i += 1) {
        const x = w[i - 15];
        const y = w[i - 2];
        const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
        const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
        w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
      }
      let a = state[0], b = state[1], c = state[2], d = state[3];
      let e = state[4], f = state[5], g = state[6], h = state[7];
      for (let i = 0; i < 64; i += 1) {
        const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
        const t1 = (h + s1 + ((e & f) ^ (~e & g)) + k[i] + w[i]) | 0;
        const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
        const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        h = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
      }
      state[0] += a; state[1] += b; state[2] += c; state[3] += d;
      state[4] += e; state[5] += f; state[6] += g; state[7] += h;
    }

    hex() {
      const bits = this.length * 8;
      const end = new Uint8Array(((this.held + 72) & ~63) - this.held);
      end[0] = 0x80;
      const view = new DataView(end.buffer);
      view.setUint32(end.length - 8, Math.floor(bits / 4294967296));
      view.setUint32(end.length - 4, bits >>> 0);
      this.update(end);
      return Array.from(this.state, (w) => (w >>> 0).toString(16).padStart(8, "0")).join("");
    }
  }

  class Refused extends Error {
    constructor(errors) {
      super(errors.join(" "));
      this.errors = errors;
    }
  }

  class Upload {
    constructor(form) {
      this.form = form;
      this.errors = form.querySelector("[data-upload-errors]");
      this.status = form.querySelector("[data-upload-status]");
      this.box = form.querySelector("[data-upload-progress]");
      this.bar = form.querySelector("progress");
      this.submit = form.querySelector("[type=submit]");
      this.stop = form.querySelector("[data-upload-cancel]");
      this.running = null;
      form.addEventListener("submit", (event) => this.begin(event));
      this.stop.addEventListener("click", () => this.cancel());
    }

    text(name) {
      return this.form.dataset[`text${name}`];
    }

    begin(event) {
      const file = this.form.elements.file.files[0];
      if (!file) return; // The site says what is missing.
      event.preventDefault();
      if (this.running) return;
      this.show([]);
      if (file.size > Number(this.form.dataset.maxBytes)) {
        this.show([this.text("TooLarge")]);
        return;
      }
      this.running = { controller: new AbortController(), request: null, token: null };
      this.busy(true);
      this.run(file, this.running).catch((error) => this.fail(error)).finally(() => {
        this.running = null;
      });
    }

    async run(file, running) {
      const direct = this.form.dataset.digitalstoreUpload === "direct" && file.size > 0;
      const answer = direct ? await this.direct(file, running) : await this.whole(running);
      this.say(this.text("Saving"));
      window.location.assign(answer.location);
    }

    /* Through the site: the form as it is. */
    async whole(running) {
      const body = new FormData(this.form);
      return this.ask(await this.send("", body, running, { Accept: "application/json" }));
    }

    /* Straight to the storage. */
    async direct(file, running) {
      const hash = new Sha256();
      for (let at = 0; at < file.size; at += SLICE) {
        running.controller.signal.throwIfAborted();
        hash.update(new Uint8Array(await file.slice(at, at + SLICE).arrayBuffer()));
        this.progress("Checking", Math.min(at + SLICE, file.size), file.size);
      }
      running.controller.signal.throwIfAborted();
      const ticket = await this.step("start", {
        upload_name: file.name, upload_size: file.size, upload_sha256: hash.hex(),
      });
      running.token = ticket.upload;
      running.controller.signal.throwIfAborted();
      const body = new FormData();
      Object.entries(ticket.fields).forEach(([name, value]) => body.append(name, value));
      body.append("file", file);
      const sent = await this.send(ticket.url, body, running, {});
      if (sent.status < 200 || sent.status > 299) throw new Refused([this.text("Failed")]);
      this.say(this.text("Saving"));
      this.stop.hidden = true;
      return this.step("finish", { upload: ticket.upload });
    }

    /* A step of a direct upload: the form's fields without the file. */
    async step(name, values) {
      const body = new FormData(this.form);
      body.delete("file");
      body.append("step", name);
      Object.entries(values).forEach(([key, value]) => body.append(key, value));
      return this.ask(await this.send("", body, null, { Accept: "application/json" }));
    }

    ask(request) {
      let answer = {};
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        throw new Refused([this.text("Failed")]);
      }
      if (answer.errors) throw new Refused(answer.errors);
      if (request.status < 200 || request.status > 299) throw new Refused([this.text("Failed")]);
      return answer;
    }

    /* fetch() tells nothing of an upload's progress. */
    send(url, body, running, headers) {
      return new Promise((resolve, reject) => {
        const request = new XMLHttpRequest();
        request.open("POST", url || window.location.href);
        Object.entries(headers).forEach(([name, value]) => request.setRequestHeader(name, value));
        request.onload = () => resolve(request);
        request.onerror = () => reject(new Refused([this.text("Failed")]));
        request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
        if (running) {
          running.request = request;
          request.upload.onprogress = (event) => {
            if (event.lengthComputable) this.progress("Sending", event.loaded, event.total);
          };
          request.upload.onload = () => this.say(this.text("Saving"));
        }
        request.send(body);
      });
    }

    cancel() {
      const { running } = this;
      if (!running) return;
      running.controller.abort();
      if (running.request) running.request.abort();
    }

    fail(error) {
      const { token } = this.running;
      if (token) this.step("cancel", { upload: token }).catch(() => {});
      this.busy(false);
      if (error.name === "AbortError") this.say(this.text("Cancelled"));
      else {
        this.say("");
        this.show(error.errors || [this.text("Failed")]);
      }
    }

    busy(is) {
      this.submit.disabled = is;
      this.stop.hidden = !is;
      this.box.hidden = !is;
      this.bar.value = 0;
    }

    /* Every step for the eye; what is read aloud changes with each tenth only. */
    progress(name, done, total) {
      const percent = Math.floor((100 * done) / total);
      this.bar.value = percent;
      this.say(this.text(name).replace("{percent}", `${percent - (percent % 10)} %`));
    }

    say(text) {
      if (this.status.textContent !== text) this.status.textContent = text;
    }

    show(errors) {
      this.errors.replaceChildren(...errors.map((text) => {
        const line = document.createElement("p");
        line.textContent = text;
        return line;
      }));
      this.errors.hidden = errors.length === 0;
    }
  }

  document.querySelectorAll("[data-digitalstore-upload]").forEach((form) => new Upload(form));
  // For whoever wants to know what a browser computes.
  window.digitalstoreSha256 = (bytes) => new Sha256().update(bytes).hex();
})();

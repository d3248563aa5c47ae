// Takes pictures with the camera while a button is held, and sends them in batches. One batch is on its way at a time:
// the next goes when the page has said that it has the one before, so that none is lost while the page is at work.
const EVERY = 125; // ms between pictures
const EDGE = 640; // pixels of the longer side, at most
const QUALITY = 0.85;
const BATCH = 8;
const WAITING = 64; // pictures that wait here, at most
const AGAIN = 5000; // ms until a batch that nobody answered for is sent again

const WHY = {
  NotAllowedError: "The browser does not allow the camera. Allow it beside the address, then try again.",
  NotFoundError: "There is no camera on this computer, or it is not connected.",
  NotReadableError: "The camera is in use by another program. Close that, then try again.",
};
const NOT_HERE = "Browsers lend the camera to pages on this computer (localhost) or over https only. "
  + "Open Graft on the computer with the camera, or drop pictures instead.";

const cameras = new WeakMap();

class Camera {
  constructor(root) {
    this.find = (name) => root.querySelector(`.${name}`);
    this.session = `${Date.now()}-${Math.random().toString(36).slice(2)}`;
    this.number = 0;
    this.taken = 0;
    this.queue = [];
    this.sent = null;
    this.canvas = document.createElement("canvas");
    const hold = this.find("hold");
    hold.onpointerdown = (event) => { hold.setPointerCapture(event.pointerId); this.begin(); };
    hold.onpointerup = hold.onpointercancel = hold.onlostpointercapture = hold.onblur = () => this.end();
    hold.oncontextmenu = (event) => event.preventDefault(); // a long touch
    hold.onkeydown = (event) => {
      if (event.key === " " || event.key === "Enter") { event.preventDefault(); if (!event.repeat) this.begin(); }
    };
    hold.onkeyup = () => this.end();
    this.find("again").onclick = () => this.open();
    this.open();
  }

  async open() {
    this.say("");
    if (!navigator.mediaDevices?.getUserMedia) { this.say(NOT_HERE); return; }
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: {
        width: { ideal: EDGE }, height: { ideal: EDGE } } });
      if (this.gone) { stream.getTracks().forEach((track) => track.stop()); return; }
      this.stream = stream;
      const video = this.find("video");
      video.srcObject = stream;
      await video.play();
      this.find("hold").disabled = false;
    } catch (error) {
      this.say(WHY[error.name] || `The camera cannot be used (${error.name}).`);
    }
  }

  say(why) {
    this.find("why").textContent = why;
    this.find("trouble").hidden = !why;
    this.find("live").hidden = Boolean(why);
  }

  begin() {
    if (this.timer || this.find("hold").disabled) return;
    this.find("hold").classList.add("held");
    this.take();
    this.timer = setInterval(() => this.take(), EVERY);
  }

  end() {
    clearInterval(this.timer);
    this.timer = null;
    this.find("hold").classList.remove("held");
    this.send();
  }

  take() {
    const video = this.find("video");
    if (!video.videoWidth || this.queue.length >= WAITING) return;
    const scale = Math.min(1, EDGE / Math.max(video.videoWidth, video.videoHeight));
    this.canvas.width = Math.round(video.videoWidth * scale);
    this.canvas.height = Math.round(video.videoHeight * scale);
    this.canvas.getContext("2d").drawImage(video, 0, 0, this.canvas.width, this.canvas.height);
    this.queue.push(this.canvas.toDataURL("image/jpeg", QUALITY).split(",")[1]);
    this.taken += 1;
    this.count();
    if (this.queue.length >= BATCH) this.send();
  }

  send() {
    if (this.sent || !this.queue.length) return;
    this.number += 1;
    this.sent = { session: this.session, number: this.number, frames: this.queue.splice(0, BATCH) };
    this.post();
    this.count();
  }

  post() {
    this.trigger("batch", this.sent);
    clearTimeout(this.patience);
    this.patience = setTimeout(() => { if (this.sent && !this.gone) this.post(); }, AGAIN);
  }

  update(received, trigger) {
    this.trigger = trigger;
    if (this.sent && received && received[0] === this.session && received[1] >= this.sent.number) {
      this.sent = null;
      clearTimeout(this.patience);
      if (this.queue.length >= BATCH || !this.timer) this.send();
    }
    this.count();
  }

  count() {
    const left = this.queue.length + (this.sent ? this.sent.frames.length : 0);
    this.find("count").textContent = this.taken ? `${this.taken} taken${left ? ", keeping them…" : ""}` : "";
  }

  close() {
    this.gone = true;
    clearInterval(this.timer);
    clearTimeout(this.patience);
    this.stream?.getTracks().forEach((track) => track.stop());
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  let camera = cameras.get(parentElement);
  if (!camera || camera.gone) {
    camera = new Camera(parentElement);
    cameras.set(parentElement, camera);
  }
  clearTimeout(camera.leaving);
  camera.update(data?.received, setTriggerValue);
  return () => { camera.leaving = setTimeout(() => camera.close(), 300); }; // unless it is drawn again at once
}

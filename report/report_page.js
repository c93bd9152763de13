'use strict';
// The page works without this script. Only one track plays at a time; another track of the same item continues at the
// position of the last one, for comparison. A line in the spectrogram shows the position.
document.documentElement.classList.add('scripted');
const players = [...document.querySelectorAll('audio')];
for (const player of players) {
  const track = player.closest('.track');
  const extent = track.querySelector('.extent');
  const line = document.createElement('span');
  line.className = 'playhead';
  extent.append(line);
  const show = () => {
    const share = player.duration > 0 ? player.currentTime / player.duration : 0;
    line.style.left = 100 * share + '%';
    track.classList.toggle('started', share > 0 && share < 1);
    if (!player.paused && !player.ended) requestAnimationFrame(show);
  };
  player.addEventListener('play', () => {
    for (const other of players) {
      if (other === player || other.paused) continue;
      if (other.closest('.item') === player.closest('.item')) player.currentTime = other.currentTime;
      other.pause();
    }
    show();
  });
  player.addEventListener('seeked', show);
  extent.addEventListener('click', (event) => {
    const box = extent.getBoundingClientRect();
    const jump = () => {
      player.currentTime = player.duration * (event.clientX - box.left) / box.width;
      player.play();
    };
    if (player.duration > 0) return jump();
    player.addEventListener('loadedmetadata', jump, {once: true});
    player.preload = 'auto';
    player.load();
  });
}
